// The script's own tag says where the server is; its data-* are the element's attributes.
const TAG = document.currentScript ?? document.querySelector('script[src*="/widget.js"]');
const HOME = TAG?.src ? new URL(".", TAG.src).href.replace(/\/+$/, "") : location.origin;

function placeElement() {
	// A page that has its own element, or this script twice, gets no second one.
	if (!TAG || "manual" in TAG.dataset || document.querySelector("ask-article")) return;
	const element = document.createElement("ask-article");
	for (const [name, value] of Object.entries(TAG.dataset)) if (OPTIONS.includes(name)) element.setAttribute(name, value);
	if (element.getAttribute("mode")?.includes("inline") && document.body.contains(TAG)) TAG.after(element);
	else document.body.append(element);
}

if (!customElements.get("ask-article")) customElements.define("ask-article", AskArticle);
if (document.body && document.readyState !== "loading") placeElement();
else addEventListener("DOMContentLoaded", placeElement, { once: true });
