// The widget's parts as elements. Nothing here is parsed as markup: only elements and texts. What has a
// class is a part of that name for the page's styles, if it has no other.
function make(name, attributes = {}, ...children) {
	const made = document.createElement(name);
	if (name === "button") made.type = name;
	for (const [key, value] of Object.entries({ part: attributes.class, ...attributes })) {
		if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
		else if (value === true) made.setAttribute(key, "");
		else if (value !== false && value != null) made.setAttribute(key, value);
	}
	made.append(...children.filter(Boolean));
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

function button(name, label, onclick) {
	return make("button", { class: `icon ${name}`, part: `button ${name}`, "aria-label": label, title: label, onclick }, icon(name));
}

// Everything that stays while the widget is on the page, by name. Until the server has been heard,
// the title is said of the parts whose own words are not here.
function makeView(say, options, on) {
	const title = options.title || say("title");
	const words = (name) => say(name) || title;
	const view = {};
	view.launcher = make("button", { class: "launcher", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: on.open }, icon("ask"), make("span", {}, title));
	view.selection = make("button", { class: "ask-selection", part: "selection", popover: "manual", hidden: true, onclick: on.askSelection, onpointerdown: (event) => event.preventDefault() }, icon("ask"), say("select"));
	view.log = make("div", { class: "log", role: "log", "aria-live": "off", "aria-label": words("talk"), tabindex: "0" });
	view.next = make("div", { class: "next", part: "suggestions", hidden: true });
	view.input = make("textarea", { class: "input", rows: "1", maxlength: LONGEST, autocomplete: "off", enterkeyhint: "send", dir: "auto", placeholder: options.placeholder || words("placeholder"), "aria-label": title, onkeydown: on.key, onfocus: on.focus });
	view.form = make("form", { class: "form", onsubmit: on.submit }, view.input, make("button", { class: "send", type: "submit", "aria-label": words("send"), title: words("send") }, icon("send")));
	const head = make("div", { class: "head", part: "header" }, make("p", { class: "title" }, title), say("fresh") && button("fresh", say("fresh"), on.reset), options.inline ? null : button("close", say("close"), on.close));
	const disclaimer = options.disclaimer ? make("p", { class: "disclaimer" }, options.disclaimer) : null;
	const role = options.inline ? {} : { role: "dialog", "aria-label": title };
	view.panel = make("div", { class: "panel", hidden: !options.inline, ...role }, head, view.log, view.next, view.form, disclaimer);
	view.live = make("p", { class: "live", role: "status", "aria-live": "polite", "aria-atomic": "false" });
	view.dock = make("div", options.inline ? { class: "inline" } : { class: "dock", popover: "manual", "data-position": options.position }, view.panel);
	if (!options.inline) view.dock.append(view.launcher);
	view.root = make("div", { class: "root", part: "root", role: "region", "aria-label": title, lang: options.lang, dir: options.dir }, view.dock, view.selection, view.live);
	return view;
}

function makeIntro(say, starters, onask) {
	const list = starters.map((each) => starter(each, onask));
	return make("div", { class: "empty" }, make("p", { class: "intro" }, say("intro")), make("div", { class: "starters" }, ...list));
}

function starter(question, onask) {
	return make("button", { class: "starter", dir: "auto", title: question, onclick: () => onask(question) }, make("span", {}, question));
}

// A question, and below it the place for what comes of it.
function makeTurn(say, question) {
	const answer = make("div", { class: "answer" });
	const status = make("p", { class: "status working" }, say("working") || "…");
	// A long one is cut; pressing it shows all of it.
	const asked = make("p", { class: "asked", part: "question", dir: "auto", onclick: () => asked.classList.toggle("whole") }, question);
	const root = make("div", { class: "turn" }, asked, answer, status);
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
		return make("button", { class: "cite", part: "citation", "aria-label": label, "aria-pressed": "false", title: citation.quote, onclick: (event) => onciting(citation, event.currentTarget) }, String(citation.number));
	});
	const lead = sentence.phrase ? make("strong", { class: "lead" }, sentence.phrase) : null;
	const doubt = sentence.supported === false ? make("em", { class: "doubt" }, say("unfound")) : null;
	return make("p", { class: "sentence", part: "sentence", dir: "auto" }, lead, ...words, ...(numbers.length || doubt ? [" "] : []), ...numbers, doubt);
}

function makeNearest(say, citations, onciting) {
	const quotes = citations.map((citation) => make("button", { class: "near", part: "nearest", dir: "auto", "aria-pressed": "false", onclick: (event) => onciting(citation, event.currentTarget) }, citation.quote.replace(/\s+/g, " ")));
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
			for (const each of thumbs) each.setAttribute("aria-pressed", each === made);
			said.textContent = say("thanks");
			onthumb(helpful);
		});
		made.setAttribute("aria-pressed", "false");
		return made;
	});
	return make("div", { class: "tools" }, copy, ...thumbs, said);
}

function makeFault(message, label, onretry) {
	return make("div", { class: "fault" }, make("p", {}, message), onretry && make("button", { class: "retry", onclick: onretry }, label));
}

async function copyText(text, near) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		// No clipboard without https or permission; the old way still is one.
		const focused = near.getRootNode().activeElement;
		const box = make("textarea", { class: "live", "aria-hidden": "true" });
		box.value = text;
		near.append(box);
		box.select();
		const done = document.execCommand("copy");
		box.remove();
		focused?.focus({ preventScroll: true });
		return done;
	}
}
