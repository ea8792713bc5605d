// The script's own tag says where the server is; its data-* are the element's attributes.
const OURS = 'script[src*="/widget.js"]';
const TAG = document.currentScript ?? document.querySelector(OURS);
const HOME = TAG?.src ? new URL(".", TAG.src).href.replace(/\/+$/, "") : location.origin;

let tag = TAG;
let placed = null;
let beside = [];

function placeElement() {
	// A page that has its own element, or this script twice, gets no second one.
	if (!TAG || "manual" in TAG.dataset || document.querySelector("ask-article")) return;
	const now = tag.isConnected ? tag : document.querySelector(OURS) ?? tag;
	if (!placed || now !== tag) {
		tag = now;
		placed = document.createElement("ask-article");
		for (const [name, value] of Object.entries(tag.dataset)) if (OPTIONS.includes(name)) placed.setAttribute(name, value);
	}
	const { body } = document;
	beside = [...body.children];
	if (placed.getAttribute("mode")?.includes("inline") && body.contains(tag)) tag.after(placed);
	else body.append(placed);
	for (const each of [document.documentElement, body]) swapped.observe(each, { childList: true });
}

// Frameworks change pages by putting another body, or other contents, in the place of all there was.
// Who takes away the element alone means it.
const swapped = new MutationObserver(() => placed.isConnected || beside.some((each) => each.isConnected) || placeElement());

if (!customElements.get("ask-article")) customElements.define("ask-article", AskArticle);
if (document.body && document.readyState !== "loading") placeElement();
else addEventListener("DOMContentLoaded", placeElement, { once: true });
