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
	for (const name of ["popstate", "hashchange", "pageshow"]) addEventListener(name, onchange, { signal });
	globalThis.navigation?.addEventListener?.("currententrychange", onchange, { signal });
	const observer = new MutationObserver(onchange);
	observer.observe(document.head ?? document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["href", "rel"] });
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

// Whether the page behind us is dark, for `theme="host"`.
function hostIsDark() {
	for (const element of [document.body, document.documentElement]) {
		const parts = element && getComputedStyle(element).backgroundColor.match(/[\d.]+/g)?.map(Number);
		if (parts && (parts.length < 4 || parts[3] > 0.5)) return luminance(parts) < 0.2;
	}
	return false;
}

const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];

// The first of the wanted languages that is spoken here.
function languageOf(...wanted) {
	const primary = wanted.map((each) => (each ?? "").toLowerCase().split("-")[0]);
	return primary.find((each) => Object.hasOwn(STRINGS, each)) ?? "en";
}
