// The widget's parts as elements. Nothing here is parsed as markup: only elements and texts.
function make(name, attributes = {}, ...children) {
	const made = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
		else if (value === true) made.setAttribute(key, "");
		else if (value !== false && value != null) made.setAttribute(key, value);
	}
	made.append(...children.filter((child) => child != null));
	return made;
}

function icon(name) {
	const space = "http://www.w3.org/2000/svg";
	const drawing = document.createElementNS(space, "svg");
	drawing.setAttribute("viewBox", "0 0 24 24");
	drawing.setAttribute("aria-hidden", "true");
	drawing.appendChild(document.createElementNS(space, "path")).setAttribute("d", ICONS[name]);
	return drawing;
}

const part = (name, attributes) => ({ class: name, part: name, ...attributes });

function button(name, label, onclick) {
	return make("button", { type: "button", class: `icon ${name}`, part: `button ${name}`, "aria-label": label, title: label, onclick }, icon(name));
}

// Everything that stays while the widget is on the page, by name.
function makeView(say, options, on) {
	const title = options.title || say("title");
	const view = {};
	view.launcher = make("button", part("launcher", { type: "button", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: on.open }), icon("ask"), make("span", {}, title));
	view.selection = make("button", { type: "button", class: "ask-selection", part: "selection", hidden: true, onclick: on.askSelection, onpointerdown: (event) => event.preventDefault() }, icon("ask"), say("select"));
	view.log = make("div", part("log", { role: "log", "aria-live": "off", "aria-label": say("talk"), tabindex: "0" }));
	view.next = make("div", { class: "next", part: "suggestions", hidden: true });
	view.input = make("textarea", part("input", { rows: "1", maxlength: "2000", autocomplete: "off", enterkeyhint: "send", dir: "auto", placeholder: options.placeholder || say("placeholder"), "aria-label": title, onkeydown: on.key }));
	view.form = make("form", part("form", { onsubmit: on.submit }), view.input, make("button", part("send", { type: "submit", "aria-label": say("send"), title: say("send") }), icon("send")));
	const head = make("div", { class: "head", part: "header" }, make("p", part("title"), title), button("fresh", say("fresh"), on.reset), options.inline ? null : button("close", say("close"), on.close));
	const disclaimer = options.disclaimer ? make("p", part("disclaimer"), options.disclaimer) : null;
	const role = options.inline ? {} : { role: "dialog", "aria-label": title };
	view.panel = make("div", part("panel", { hidden: !options.inline, ...role }), head, view.log, view.next, view.form, disclaimer);
	view.live = make("p", { class: "live", role: "status", "aria-live": "polite" });
	view.dock = make("div", options.inline ? { class: "inline" } : { class: "dock", "data-position": options.position }, view.panel);
	if (!options.inline) view.dock.append(view.launcher, view.selection);
	view.root = make("div", { class: "root", part: "root", role: "region", "aria-label": title, lang: options.lang, dir: options.dir, "data-theme": options.theme }, view.dock, view.live);
	return view;
}

function makeIntro(say, starters, onask) {
	const list = starters.map((each) => starter(each, onask));
	return make("div", { class: "empty", part: "intro" }, make("p", { class: "intro" }, say("intro")), make("div", part("starters"), ...list));
}

function starter(question, onask) {
	return make("button", part("starter", { type: "button", dir: "auto", title: question, onclick: () => onask(question) }), question);
}

// A question, and below it the place for what comes of it.
function makeTurn(say, question) {
	const answer = make("div", part("answer"));
	const status = make("p", { class: "status working", part: "status" }, say("working"));
	const root = make("div", part("turn"), make("p", { class: "asked", part: "question", dir: "auto" }, question), answer, status);
	return { root, answer, status };
}

// A sentence with the exact answer in it marked, where that is known, and its numbers; where the
// question asks for so many words and no more, they come first.
function makeSentence(say, sentence, citations, onciting) {
	const text = sentence.text ?? "";
	const phrase = citations.map((each) => each.phrase?.quote?.replace(/\s+/g, " ").trim()).find((each) => each && text.includes(each));
	const from = phrase ? text.indexOf(phrase) : -1;
	const words = from < 0 ? [text] : [text.slice(0, from), make("mark", { part: "phrase" }, phrase), text.slice(from + phrase.length)];
	const numbers = citations.map((citation) => {
		const label = say("source", citation.number);
		return make("button", part("cite", { type: "button", part: "citation", "aria-label": label, "aria-pressed": "false", title: citation.quote, onclick: (event) => onciting(citation, event.currentTarget) }), String(citation.number));
	});
	const lead = sentence.phrase ? make("strong", part("lead"), sentence.phrase) : null;
	const doubt = sentence.supported === false ? make("em", part("doubt"), say("unfound")) : null;
	return make("p", { class: "sentence", part: "sentence", dir: "auto" }, lead, ...words, ...(numbers.length || doubt ? [" "] : []), ...numbers, doubt);
}

function makeNearest(say, citations, onciting) {
	const quotes = citations.map((citation) => make("button", { type: "button", class: "near", part: "nearest", dir: "auto", onclick: (event) => onciting(citation, event.currentTarget) }, citation.quote.replace(/\s+/g, " ")));
	return quotes.length ? [make("p", { class: "label" }, say("nearest")), ...quotes] : [];
}

// The quote itself, where the page cannot show it, with a link that opens it where there is one.
function makeQuote(label, citation, link, linkLabel) {
	const inside = phraseIn(citation);
	const words = inside ? [inside.before, make("mark", {}, inside.phrase), inside.after] : [citation.quote];
	const place = link ? make("a", { part: "link", href: link }, linkLabel) : null;
	return make("div", { class: "found", part: "quote" }, make("p", { class: "label" }, label), make("div", { class: "quote", dir: "auto" }, ...words), place);
}

function makeTools(say, { oncopy, onthumb }) {
	const said = make("span", { role: "status" });
	const copy = button("copy", say("copy"), async () => { said.textContent = (await oncopy()) ? say("copied") : ""; });
	const thumbs = [["up", true], ["down", false]].map(([name, helpful]) => {
		const made = button(name, say(name), () => {
			for (const each of thumbs) each.setAttribute("aria-pressed", String(each === made));
			said.textContent = say("thanks");
			onthumb(helpful);
		});
		made.setAttribute("aria-pressed", "false");
		return made;
	});
	return make("div", part("tools"), copy, ...thumbs, said);
}

function makeFault(message, label, onretry) {
	const again = make("button", part("retry", { type: "button", onclick: onretry }), label);
	return make("div", part("fault"), make("p", {}, message), onretry ? again : null);
}

async function copyText(text, near) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		// No clipboard without https or permission; the old way still is one.
		const box = make("textarea", { class: "live", "aria-hidden": "true" });
		box.value = text;
		near.append(box);
		box.select();
		const done = document.execCommand("copy");
		box.remove();
		return done;
	}
}
