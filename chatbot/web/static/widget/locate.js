// Finding a quote in the host's page by its words, and lighting it up without touching the page.
const PASSED_OVER = "script, style, noscript, template, textarea, select, svg, ask-article, [hidden]";
const NOTES = "sup, rt, rp, [aria-hidden=true]";
const INLINE = /^(a|abbr|b|bdi|bdo|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|ruby|s|samp|small|span|strong|sub|sup|time|u|var|wbr)$/i;
const SENTENCE = "ask-article";
const PHRASE = "ask-article-phrase";
const known = new Map();

// A character as it is compared: without case, accents, and the many forms of quotes and dashes.
// Spaces and what cannot be seen (soft hyphens, joiners) count for nothing.
function folded(character) {
	let like = known.get(character);
	if (like === undefined) {
		const plain = character.normalize("NFKD").replace(/[\p{M}\p{Cf}\s\u00ad]/gu, "");
		like = plain.toLowerCase().replace(/[‘-‛]/, "'").replace(/[“-‟«»]/, '"').replace(/[‐-―−]/, "-");
		known.set(character, like);
	}
	return like;
}

const foldedText = (text) => Array.from(text, folded).join("");

// The text below `root` as it is compared; for each character its node, its place in that, and
// whether a word may begin there.
function textOf(root, without) {
	const page = { text: "", nodes: [], places: [], lengths: [], gaps: [] };
	const parts = [];
	const visible = new Map();
	const seen = (element) => {
		if (!visible.has(element)) {
			const shown = !element.closest(without) && (element.checkVisibility?.({ visibilityProperty: true }) ?? true);
			visible.set(element, shown);
		}
		return visible.get(element);
	};
	const walker = root.ownerDocument.createTreeWalker(root, NodeFilter.SHOW_TEXT);
	let block = null;
	let gap = true;
	for (let node = walker.nextNode(); node; node = walker.nextNode()) {
		if (!node.parentElement || !seen(node.parentElement)) continue;
		const around = blockOf(node.parentElement);
		gap ||= around !== block || node.previousSibling?.nodeName === "BR";
		block = around;
		let place = 0;
		for (const character of node.data) {
			const like = folded(character);
			if (!like) gap ||= /\s/.test(character);
			for (const each of like.split("")) {
				parts.push(each);
				page.nodes.push(node);
				page.places.push(place);
				page.lengths.push(character.length);
				page.gaps.push(gap);
				gap = false;
			}
			place += character.length;
		}
	}
	page.text = parts.join("");
	return page;
}

function blockOf(element) {
	let at = element;
	while (at.parentElement && INLINE.test(at.localName)) at = at.parentElement;
	return at;
}

const WORD = /[\p{L}\p{N}]/u;
function partsWords(page, at) {
	return at === 0 || at >= page.text.length || page.gaps[at] || !WORD.test(page.text[at - 1]) || !WORD.test(page.text[at]);
}

// Where the quote stands: -1 where it is absent, or stands more than once and its neighbours do
// not tell which is meant.
function placeOf(page, quote, before, after) {
	const wanted = foldedText(quote);
	if (!wanted) return -1;
	const found = [];
	for (let at = page.text.indexOf(wanted); at >= 0; at = page.text.indexOf(wanted, at + 1)) {
		if (partsWords(page, at) && partsWords(page, at + wanted.length)) found.push(at);
	}
	if (found.length < 2) return found[0] ?? -1;
	const [left, right] = [foldedText(before), foldedText(after)];
	const scores = found.map((at) => {
		let near = 0;
		for (let n = 1; n <= left.length && page.text[at - n] === left[left.length - n]; n++) near++;
		for (let n = 0; n < right.length && page.text[at + wanted.length + n] === right[n]; n++) near++;
		return near;
	});
	const best = Math.max(...scores);
	return best > 3 && scores.filter((score) => score === best).length === 1 ? found[scores.indexOf(best)] : -1;
}

function rangeOf(page, start, end) {
	const range = page.nodes[start].ownerDocument.createRange();
	range.setStart(page.nodes[start], page.places[start]);
	range.setEnd(page.nodes[end - 1], page.places[end - 1] + page.lengths[end - 1]);
	return range;
}

// Ranges of the sentence and of the phrase in it, or null.
function locate(root, citation) {
	for (const without of [PASSED_OVER, `${PASSED_OVER}, ${NOTES}`]) {
		const page = textOf(root, without);
		const at = placeOf(page, citation.quote, citation.before ?? "", citation.after ?? "");
		if (at < 0) continue;
		const found = { sentence: rangeOf(page, at, at + foldedText(citation.quote).length), phrase: null };
		const inside = phraseIn(citation);
		if (inside) {
			const from = at + foldedText(inside.before).length;
			const length = foldedText(inside.phrase).length;
			if (length) found.phrase = rangeOf(page, from, from + length);
		}
		return found;
	}
	return null;
}

// A citation's quote, cut before and after its phrase; null where there is none. Offsets count
// code points.
function phraseIn({ quote, start, phrase }) {
	if (!phrase) return null;
	const points = Array.from(quote);
	const cut = (from, to) => points.slice(from, to).join("");
	const [from, to] = [phrase.start - start, phrase.end - start];
	if (!(from >= 0 && to > from) || cut(from, to) !== phrase.quote) return null;
	return { before: cut(0, from), phrase: phrase.quote, after: cut(to) };
}

const canHighlight = () => Boolean(globalThis.Highlight && CSS.highlights && Document.prototype.hasOwnProperty("adoptedStyleSheets"));

// Amber with dark ink, or on a dark page a muted one with light ink.
function marksOn(dark) {
	const [sentence, phrase, ink, line] = dark ? ["#54431a", "#7d6016", "#fff3d6", "#f0c75e"] : ["#ffe58a", "#ffc53d", "#1d1b16", "#8a5a00"];
	return `@media screen {
		::highlight(${SENTENCE}) { background-color: ${sentence}; color: ${ink}; }
		::highlight(${PHRASE}) { background-color: ${phrase}; color: ${ink}; text-decoration: underline 2px ${line}; }
	}
	@media (forced-colors: active) { ::highlight(${SENTENCE}), ::highlight(${PHRASE}) { background-color: Mark; color: MarkText; } }`;
}
let marks = null;

function light({ sentence, phrase }, dark) {
	if (!canHighlight()) return;
	marks ??= new CSSStyleSheet();
	marks.replaceSync(marksOn(dark));
	// A framework may have put its own list of sheets in the place of ours.
	if (!document.adoptedStyleSheets.includes(marks)) document.adoptedStyleSheets = [...document.adoptedStyleSheets, marks];
	CSS.highlights.set(SENTENCE, new Highlight(sentence));
	const stronger = phrase ? new Highlight(phrase) : new Highlight();
	stronger.priority = 1;
	CSS.highlights.set(PHRASE, stronger);
}

function unlight() {
	if (!canHighlight()) return;
	CSS.highlights.delete(SENTENCE);
	CSS.highlights.delete(PHRASE);
}

// A range is to come a little above the middle of the `room` at the top of the window. Every box that
// scrolls goes there at once, whatever its own style says; how far the page has to go, and where the
// range then lies, is the answer.
function aim(range, room) {
	const page = document.scrollingElement;
	for (let box = range.startContainer.parentElement; box; box = box.parentElement) {
		const scrolls = box.scrollHeight > box.clientHeight + 1 && /auto|scroll|overlay/.test(getComputedStyle(box).overflowY);
		if (!scrolls || box === page) continue;
		const from = Math.max(0, box.getBoundingClientRect().top);
		box.scrollBy({ top: range.getBoundingClientRect().top - from - Math.min(room, box.clientHeight) * 0.3, behavior: "instant" });
	}
	const { left, right, top, bottom, height } = range.getBoundingClientRect();
	const wanted = top - Math.max(8, Math.min(room * 0.3, room - height - 24));
	const by = Math.max(-page.scrollTop, Math.min(wanted, page.scrollHeight - page.clientHeight - page.scrollTop));
	return { by, left, right, height, bottom: bottom - by };
}

let settling = null;

function scrollToRange(range, room) {
	const go = (behavior) => scrollBy({ top: aim(range, room).by, behavior });
	go(matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth");
	// What loads on the way moves the page: look again when it rests, unless the reader has moved it.
	settling?.abort();
	const own = new AbortController();
	const { signal } = (settling = own);
	const end = () => own.abort();
	addEventListener("scrollend", () => { end(); go("instant"); }, { signal });
	for (const name of ["wheel", "touchmove", "keydown"]) addEventListener(name, end, { signal, passive: true });
	setTimeout(end, 3000);
}

// A link that browsers open at the quote, for where nothing can be lit up.
function fragmentLink(url, quote) {
	const words = quote.trim().split(/\s+/);
	const parts = quote.length < 60 ? [words] : [words.slice(0, 4), words.slice(-4)];
	return `${url.split("#")[0]}#:~:text=${parts.map((some) => encodeURIComponent(some.join(" ")).replace(/-/g, "%2D"))}`;
}
