// The chat page's own part: the article beside the chat, and citations that open in it.
"use strict";

const $ = (selector) => document.querySelector(selector);
const CITE = /\bc--([0-9a-f]+)-(\d+)-(\d+)(?:-(\d+)-(\d+))?\b/;
const STANDFIRST = 320;

const state = { articles: [], shown: null, opened: null };

async function getJson(path) {
	for (let wait = 1; ; wait = Math.min(wait * 2, 8)) {
		try {
			const response = await fetch(path);
			if (response.ok) return await response.json();
			if (response.status !== 503) throw new Error((await response.json()).detail);
		} catch (error) {
			if (wait > 4) throw error;
		}
		await new Promise((done) => setTimeout(done, wait * 1000));
	}
}

function element(name, text, className) {
	const made = document.createElement(name);
	if (text) made.textContent = text;
	if (className) made.className = className;
	return made;
}

// Every paragraph is one text node that knows where it starts in the article's text, so that a
// citation's offsets lead to a range without a search. Offsets count code points.
function setArticle(article) {
	const text = Array.from(article.text);
	const slice = (start, end) => text.slice(start, end).join("");
	const parts = [element("p", "The article", "kicker"), element("h2", article.title, "headline")];
	let opened = false;
	article.paragraphs.forEach(([start, end, heading], place) => {
		const words = slice(start, end);
		if (place === 0 && words === article.title) return;
		const made = element(heading ? "h3" : "p", words);
		made.dataset.start = start;
		made.dataset.end = end;
		const teaser = place === 0 && article.paragraphs.length > 3 && words.length < STANDFIRST;
		if (teaser) made.className = "standfirst";
		else if (!heading && !opened) {
			if (/^\p{L}/u.test(words) && words.length > 160) made.className = "opening";
			opened = true;
		}
		parts.push(made);
	});
	const home = $("#article");
	home.replaceChildren(...parts);
	home.removeAttribute("aria-busy");
	state.shown = article;
	document.title = `${article.title} – Ask this article`;
	const picker = $("#picker");
	if (picker) picker.value = article.id;
}

async function showArticle(id) {
	try {
		setArticle(await getJson(`/api/article${id ? `?id=${encodeURIComponent(id)}` : ""}`));
	} catch (error) {
		const retry = element("button", "Try again");
		retry.type = "button";
		retry.addEventListener("click", () => showArticle(id));
		$("#article").replaceChildren(element("p", `The article could not be opened. ${error.message}`, "loading"), retry);
	}
}

// From an offset in code points to a place in a text node, which counts UTF-16 units.
function place(node, points) {
	let units = 0;
	for (const point of node.data) {
		if (points-- <= 0) break;
		units += point.length;
	}
	return units;
}

function rangesOf(start, end) {
	const ranges = [];
	for (const part of document.querySelectorAll("#article [data-start]")) {
		const from = Number(part.dataset.start);
		const to = Number(part.dataset.end);
		if (to <= start || from >= end || !part.firstChild) continue;
		const range = document.createRange();
		range.setStart(part.firstChild, place(part.firstChild, Math.max(0, start - from)));
		range.setEnd(part.firstChild, place(part.firstChild, Math.min(to, end) - from));
		ranges.push(range);
	}
	return ranges;
}

function highlight(ranges, exact) {
	for (const old of document.querySelectorAll("#article .cited")) old.classList.remove("cited");
	if (globalThis.Highlight && CSS.highlights) {
		CSS.highlights.set("cited", new Highlight(...ranges));
		CSS.highlights.set("exact", Object.assign(new Highlight(...exact), { priority: 1 }));
	} else for (const range of ranges) range.startContainer.parentElement.classList.add("cited");
}

async function openCitation(name) {
	const [, reference, start, end, first, last] = name.match(CITE);
	if (state.shown?.reference !== reference) {
		const wanted = state.articles.find((each) => each.reference === reference);
		if (wanted) await showArticle(wanted.id);
	}
	const ranges = rangesOf(Number(start), Number(end));
	if (!ranges.length) return;
	state.opened = name;
	markOpen();
	setView("article");
	highlight(ranges, first ? rangesOf(Number(first), Number(last)) : []);
	const pane = $("#article-pane");
	const box = ranges[0].getBoundingClientRect();
	pane.scrollTop += box.top - pane.getBoundingClientRect().top - pane.clientHeight * 0.28;
	$("#back").hidden = false;
	$("#live").textContent = `Shown in the article: ${ranges.map(String).join(" ")}`;
}

const citeName = (node) => node?.closest?.(".cite")?.className.match(CITE)?.[0];

function markOpen() {
	for (const button of document.querySelectorAll("#chat .cite")) {
		const open = citeName(button) === state.opened;
		if (button.classList.contains("open") !== open) button.classList.toggle("open", open);
		const label = `Source ${button.textContent}: show it in the article`;
		if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
	}
}

// A paragraph that is still being written is a new node with each change, and a click that begins
// on one node and ends on another is none. So a press is remembered by name and acted on when let go.
let pressed = null;
addEventListener("pointerdown", (event) => {
	pressed = event.button === 0 ? { name: citeName(event.target), x: event.clientX, y: event.clientY } : null;
}, true);
addEventListener("pointerup", (event) => {
	const { name, x, y } = pressed ?? {};
	pressed = null;
	if (name && Math.hypot(event.clientX - x, event.clientY - y) < 12) openCitation(name);
}, true);
addEventListener("click", (event) => {
	// Keyboards and screen readers click without a pointer.
	const name = citeName(event.target);
	if (name && event.detail === 0) openCitation(name);
}, true);

// The same replacing takes the keyboard's focus away; it is given back to the button of that name.
let focused = null;
addEventListener("focusin", (event) => {
	const name = citeName(event.target);
	const all = name ? [...document.querySelectorAll(`#chat .${name}`)] : [];
	focused = name ? { name, place: all.indexOf(event.target.closest(".cite")) } : null;
});

function onChatChanged() {
	markOpen();
	nameControls();
	keepInView();
	announce();
	if (focused && document.activeElement === document.body) {
		document.querySelectorAll(`#chat .${focused.name}`)[focused.place]?.focus({ preventScroll: true });
	}
}

// Gradio's parts as assistive technology should know them: its own labels hold our markup, and its
// log would read a message from the start with each change.
function nameControls() {
	const log = $("#chat [role=log]");
	log?.setAttribute("aria-live", "off");
	log?.setAttribute("aria-label", "Conversation");
	$("gradio-app main")?.setAttribute("aria-label", "Chat");
	for (const message of document.querySelectorAll("#chat [data-testid=bot], #chat [data-testid=user]")) {
		const label = message.dataset.testid === "bot" ? "Answer" : "Question";
		message.setAttribute("role", "group");
		if (message.getAttribute("aria-label") !== label) message.setAttribute("aria-label", label);
	}
}

// A new question comes to the top, or as near as what follows allows; from there its answer grows
// downwards and nothing moves, unless the reader scrolls.
let follow = null;
function keepInView() {
	const log = $("#chat [role=log]");
	const asked = document.querySelectorAll("#chat .asked");
	if (!log || !asked.length) {
		follow = null;
		return;
	}
	if (follow?.count !== asked.length) {
		follow = { count: asked.length, free: false };
		for (const name of ["wheel", "touchmove", "keydown"]) {
			log.addEventListener(name, () => { follow.free = true; }, { once: true, passive: true });
		}
	}
	if (follow.free) return;
	const top = asked[asked.length - 1].getBoundingClientRect().top - log.getBoundingClientRect().top;
	log.scrollTop = Math.min(log.scrollTop + top - 12, log.scrollHeight - log.clientHeight);
}

// What is finished is said once: each paragraph of the newest message, without its numbers.
let said = { message: -1, paragraphs: 0 };
function announce() {
	const messages = document.querySelectorAll("#chat .answer");
	const last = messages[messages.length - 1];
	if (!last) return;
	if (said.message !== messages.length) said = { message: messages.length, paragraphs: 0 };
	const paragraphs = [...last.querySelectorAll("p, li")];
	const fresh = paragraphs.slice(said.paragraphs).map((part) => {
		const copy = part.cloneNode(true);
		for (const button of copy.querySelectorAll("button")) button.remove();
		return copy.textContent.trim();
	});
	said.paragraphs = Math.max(said.paragraphs, paragraphs.length);
	if (fresh.length) $("#live").textContent = fresh.join(" ");
}

// Gradio copies a message's source; a reader wants its words, with the sources below.
function asPlainText(markup) {
	const page = new DOMParser().parseFromString(markup, "text/html");
	if (!page.querySelector(".answer, .asked")) return markup;
	const notes = [];
	for (const button of page.querySelectorAll(".cite")) {
		const number = `[${button.textContent}]`;
		notes.push(`${number} “${button.title}”, ${state.shown?.title ?? ""}`);
		button.replaceWith(number);
	}
	const lines = [...page.querySelectorAll("p, li, .asked")].map((part) => part.textContent.trim());
	return [...lines, ...(notes.length ? ["", ...notes] : [])].join("\n");
}
if (navigator.clipboard) {
	const write = navigator.clipboard.writeText.bind(navigator.clipboard);
	navigator.clipboard.writeText = (text) => write(asPlainText(String(text)));
}

function setView(view) {
	document.body.dataset.view = view;
	$("#show-article").setAttribute("aria-pressed", String(view === "article"));
	$("#show-chat").setAttribute("aria-pressed", String(view === "chat"));
	if (view === "chat") $("#back").hidden = true;
	// Where one of the two is shown, that one is what the page is about.
	const alone = matchMedia("(max-width: 60rem)").matches && view === "article";
	$("#article-pane").setAttribute("role", alone ? "main" : "region");
}

function setDark(dark) {
	document.body.classList.toggle("dark", dark);
	$("#theme").textContent = dark ? "Light" : "Dark";
	$("#theme").setAttribute("aria-label", dark ? "Light colours" : "Dark colours");
}

async function start() {
	const asked = new URLSearchParams(location.search).get("article");
	// In a frame of another page the chat is the whole of it; the article opens in its place.
	document.body.classList.toggle("embedded", new URLSearchParams(location.search).has("embed"));
	setView("chat");
	setDark(matchMedia("(prefers-color-scheme: dark)").matches);
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => setDark(event.matches));
	$("#theme").addEventListener("click", () => setDark(!document.body.classList.contains("dark")));
	$("#show-article").addEventListener("click", () => setView("article"));
	$("#show-chat").addEventListener("click", () => setView("chat"));
	$("#back").addEventListener("click", () => {
		setView("chat");
		const name = state.opened;
		if (name) document.querySelector(`#chat .${name}`)?.focus();
	});
	new MutationObserver(onChatChanged).observe($("gradio-app"), { childList: true, subtree: true });
	const picker = $("#picker");
	picker.addEventListener("change", () => {
		location.search = new URLSearchParams({ article: picker.value });
	});
	showArticle(asked);
	state.articles = await getJson("/api/articles").catch(() => []);
	picker.replaceChildren(...state.articles.map((each) => new Option(each.title, each.id)));
	picker.closest("label").hidden = state.articles.length < 2;
	if (state.shown) picker.value = state.shown.id;
}
start();
