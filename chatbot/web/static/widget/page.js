// The host's page: which article it is, when that changes, and what of it is selected.
function webAddress(value, base = document.baseURI) {
	if (!value) return "";
	try {
		const url = new URL(value, base);
		return /^https?:$/.test(url.protocol) ? url.href.split("#")[0] : "";
	} catch {
		return "";
	}
}

// The canonical address; without one, the page's own, below the site's address where that is given.
function articleOfPage(site) {
	const canonical = document.querySelector('link[rel~="canonical" i][href]')?.getAttribute("href");
	const named = canonical ? webAddress(canonical) : "";
	if (named) return named;
	const base = webAddress(site);
	return (base && webAddress(location.pathname + location.search, base)) || webAddress(location.href) || location.href.split("#")[0];
}

// Hear of anything that may mean another page: history, the Navigation API, a new canonical link.
function watchPage(onchange, signal) {
	for (const name of ["popstate", "pageshow"]) addEventListener(name, onchange, { signal });
	globalThis.navigation?.addEventListener?.("currententrychange", onchange, { signal });
	const observer = new MutationObserver(onchange);
	observer.observe(document.head ?? document.documentElement, { childList: true, subtree: true, attributes: true });
	signal.addEventListener("abort", () => observer.disconnect());
}

// Words selected in the page, and where; null where there are none worth asking about.
function selectedWords() {
	const selection = getSelection();
	if (!selection || selection.isCollapsed || !selection.rangeCount) return null;
	const words = selection.toString().replace(/\s+/g, " ").trim();
	const home = selection.anchorNode?.parentElement;
	if (words.length < 2 || !home || home.closest("ask-article, input, textarea")) return null;
	const boxes = selection.getRangeAt(0).getClientRects();
	const box = boxes[boxes.length - 1];
	return box ? { words: words.length > 300 ? `${words.slice(0, 300)} …` : words, box } : null;
}

// What is remembered for this tab, if that was asked for; storage may be full, shut or missing.
function remembered(key) {
	try {
		const turns = JSON.parse(sessionStorage.getItem(key));
		return Array.isArray(turns) ? turns.filter((turn) => turn?.question && Array.isArray(turn.answer?.sentences)) : [];
	} catch {
		return [];
	}
}

function remember(key, turns) {
	try {
		if (turns.length) sessionStorage.setItem(key, JSON.stringify(turns));
		else sessionStorage.removeItem(key);
	} catch {
		// The conversation lives on in the page.
	}
}

// In what is most likely the article, then in the whole page; or where the site says.
function articleRoots(selector) {
	const named = () => {
		try {
			return document.querySelector(selector);
		} catch {
			return null;
		}
	};
	if (selector) return [named() ?? document.body];
	const only = ["article", "main"].map((name) => document.querySelectorAll(name)).filter((all) => all.length === 1);
	return [...only.map(([one]) => one), document.body];
}

// What an element stands on: the first colour behind it that is not see-through, as one that is
// opaque; none where that is the browser's own.
function groundOf(element) {
	for (let at = element; at; at = at.parentElement) {
		const [red, green, blue, alpha] = pixelOf(getComputedStyle(at).backgroundColor);
		if (alpha > 127) return `rgb(${red} ${green} ${blue})`;
	}
	return "";
}

// On the browser's own ground the writing tells whether that is dark.
function isDark(element) {
	const ground = groundOf(element);
	return ground ? luminance(ground) < 0.2 : luminance(getComputedStyle(element).color) > 0.4;
}

// The page's font, and its colours where they can be read, for `theme="host"`.
function looksOf(element) {
	const { color, fontFamily } = getComputedStyle(element);
	const ground = groundOf(element);
	const looks = { "--sans": fontFamily, "--serif": fontFamily };
	if (!ground || contrast(luminance(color), luminance(ground)) < 7) return looks;
	const mixed = (part) => `color-mix(in srgb, ${color} ${part}%, ${ground})`;
	return { ...looks, "--panel": ground, "--card": ground, "--ink": color, "--soft": mixed(85), "--edge": mixed(60), "--hair": mixed(20), "--tint": mixed(8) };
}

const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];

// The first of the wanted languages that is spoken here.
function languageOf(...wanted) {
	const primary = wanted.map((each) => (each ?? "").toLowerCase().split("-")[0]);
	return primary.find((each) => Object.hasOwn(STRINGS, each)) ?? "en";
}
