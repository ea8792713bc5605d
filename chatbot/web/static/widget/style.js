// How the widget looks. `all: initial` with weight keeps the host's styles out; what is inside the
// shadow root cannot leak.
const LIGHT = `--paper: #fffdf8; --panel: #fbf8f1; --ink: #1d1b16; --soft: #5e5a50; --hair: #dcd6c8; --edge: #8c8676;
	--accent: #14532d; --accent-ink: #fff; --accent-text: #14532d; --tint: #e4efe5; --mark: #ffe58a; --card: #fffefb; color-scheme: light;`;
const DARK = `--paper: #16171a; --panel: #1c1e22; --ink: #ece8df; --soft: #a9a498; --hair: #34363c; --edge: #7d7a72;
	--accent: #86d3a0; --accent-ink: #10241a; --accent-text: #86d3a0; --tint: #223229; --mark: #6b5800; --card: #23262b; color-scheme: dark;`;
const STYLE = `
:host { all: initial !important; display: block !important; }
:host([hidden]) { display: none !important; }
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
.root { ${LIGHT} --sans: system-ui, -apple-system, "Segoe UI", sans-serif;
	--serif: Newsreader, "Iowan Old Style", Palatino, "Palatino Linotype", Georgia, serif; font: 400 15px/1.5 var(--sans); color: var(--ink); text-align: start; }
.root[data-theme=dark] { ${DARK} }
.dock { position: fixed; inset: auto; margin: 0; padding: 0; border: 0; background: none; color: inherit; overflow: visible;
	width: 0; height: 0; z-index: 2147483000; inset-block-end: calc(20px + env(safe-area-inset-bottom, 0px) + var(--shift, 0px)); inset-inline-end: 20px; }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; margin: 0; cursor: pointer; text-align: inherit; }
button:focus-visible, textarea:focus-visible, .log:focus-visible, a:focus-visible { outline: 2px solid var(--accent-text); outline-offset: 2px; }
svg { display: block; width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; flex: none; }
.launcher, .ask-selection { display: flex; align-items: center; gap: 9px; white-space: nowrap; background: var(--accent); color: var(--accent-ink);
	font: 600 15px/1 var(--sans); border-radius: 999px; box-shadow: 0 1px 2px #0002, 0 8px 24px #0003; }
.launcher { position: absolute; bottom: 0; inset-inline-end: 0; padding: 0 20px 0 16px; min-height: 50px; }
.ask-selection { position: fixed; padding: 0 13px 0 10px; min-height: 38px; font-size: 14px; }
.panel { display: flex; flex-direction: column; background: var(--panel); color: var(--ink); overflow: hidden; }
.dock .panel { position: absolute; bottom: 0; inset-inline-end: 0; width: min(408px, calc(100vw - 40px)); height: min(640px, calc(100dvh - 40px - var(--shift, 0px)));
	border: 1px solid var(--hair); border-radius: 18px; box-shadow: 0 2px 6px #0001, 0 18px 60px #0004; }
.inline .panel { border: 1px solid var(--hair); border-radius: 14px; max-height: 640px; }
.head { display: flex; align-items: center; gap: 2px; padding: 10px 10px 10px 18px; padding-inline: 18px 10px; border-bottom: 1px solid var(--hair); }
.title { flex: 1; margin: 0; font: 600 17px/1.25 var(--serif); overflow: hidden; text-overflow: ellipsis; }
[data-position=start], [data-position=start] > .launcher, [data-position=start] > .panel { inset-inline: 0 auto; }
.dock[data-position=start] { inset-inline-start: 20px; }
.icon { display: grid; place-items: center; width: 36px; height: 36px; border-radius: 10px; color: var(--soft); }
.down svg { transform: rotate(180deg); }
.icon:hover { background: var(--tint); color: var(--accent-text); }
.icon[aria-pressed=true] { color: var(--accent-text); background: var(--tint); }
.log { position: relative; flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 18px; outline-offset: -3px !important; min-height: 96px; }
.intro { margin: 0 0 16px; color: var(--soft); font: 400 17px/1.5 var(--serif); }
.starters { display: grid; gap: 8px; margin: 0; padding: 0; }
.starter { border: 1px solid var(--hair); border-radius: 12px; background: var(--card); padding: 10px 14px; font: 500 14px/1.4 var(--sans); min-height: 42px; text-align: start; }
.turn { margin: 0 0 22px; }
.asked { width: fit-content; max-width: 88%; margin: 0 0 14px; margin-inline-start: auto; background: var(--tint); border-radius: 16px; border-end-end-radius: 5px; padding: 8px 14px; overflow-wrap: anywhere; }
.sentence { margin: 0 0 11px; font: 400 17.5px/1.5 var(--serif); overflow-wrap: anywhere; }
.sentence mark, .quote mark { background: none; color: inherit; font-weight: 650; text-decoration: underline 2px var(--accent-text); text-underline-offset: 3px; }
.refused { font-weight: 600; }
.notice, .doubt { color: var(--soft); font: 400 13px/1.45 var(--sans); }
.doubt { font-style: italic; }
.lead { display: block; margin: 0 0 4px; font-size: 20px; }
.cite { display: inline-grid; place-items: center; min-width: 24px; height: 24px; padding: 0 7px; margin: 0 2px; border-radius: 999px; background: var(--tint);
	color: var(--accent-text); font: 600 12px/1 var(--sans); vertical-align: .1em; }
.cite:hover, .cite[aria-pressed=true] { background: var(--accent); color: var(--accent-ink); }
.label { margin: 12px 0 7px; color: var(--soft); font: 500 13px/1.4 var(--sans); }
.near, .quote { display: block; width: 100%; margin: 0 0 10px; padding: 1px 0; padding-inline-start: 13px; border-inline-start: 2px solid var(--hair); color: var(--soft); font: 400 16px/1.5 var(--serif); overflow-wrap: anywhere; text-align: start; }
.quote { border-color: var(--accent-text); color: var(--ink); }
.found { margin: 4px 0 12px; }
a { color: var(--accent-text); font: 500 14px/1.5 var(--sans); text-underline-offset: 3px; }
.tools { display: flex; align-items: center; gap: 2px; margin-inline-start: -9px; color: var(--soft); font-size: 13px; }
.status { margin: 4px 0 10px; color: var(--soft); font-size: 14px; }
.working::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-inline-end: 9px; border-radius: 50%; background: var(--accent-text); animation: breathe 1.2s ease-in-out infinite; }
@keyframes breathe { 50% { opacity: .25; } }
.fault { border: 1px solid var(--hair); border-inline-start: 3px solid #b45309; border-radius: 10px; background: var(--card); padding: 11px 14px; margin: 0 0 12px; }
.fault p { margin: 0 0 9px; }
.retry { border: 1px solid var(--edge); border-radius: 999px; padding: 0 16px; min-height: 36px; font: 600 14px/1 var(--sans); }
.next { display: flex; gap: 8px; overflow-x: auto; padding: 2px 18px 10px; scrollbar-width: none; }
.next .starter { flex: none; max-width: 300px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding: 0 14px; min-height: 34px; font-size: 13px; border-radius: 999px; color: var(--soft); }
.form { display: flex; align-items: flex-end; gap: 8px; margin: 0 14px 14px; padding: 6px; padding-inline-start: 14px; border: 1px solid var(--edge); border-radius: 15px; background: var(--card); }
.form:focus-within { border-color: var(--accent-text); box-shadow: 0 0 0 1px var(--accent-text); }
textarea { flex: 1; min-width: 0; resize: none; border: 0; outline: 0 !important; background: none; color: var(--ink); font: 400 16px/1.4 var(--sans); padding: 6px 0; margin: 0; max-height: 120px; field-sizing: content; }
textarea::placeholder { color: var(--soft); opacity: 1; }
.send { display: grid; place-items: center; width: 36px; height: 36px; border-radius: 10px; background: var(--accent); color: var(--accent-ink); }
[dir=rtl] .send svg { transform: scaleX(-1); }
.disclaimer { margin: -4px 18px 12px; color: var(--soft); font-size: 12px; line-height: 1.45; }
.live { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 480px) {
	.dock[data-open] { inset: auto 0 0 0 !important; width: 100%; }
	.dock[data-open] .panel { inset-inline: 0; width: 100%; height: calc(var(--seen, 88dvh) - 12px); max-height: 88dvh; bottom: var(--keyboard, 0px); border-width: 1px 0 0; border-radius: 18px 18px 0 0; }
}
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
@media (forced-colors: active) { .launcher, .ask-selection, .cite, .send, .asked, .icon { border: 1px solid ButtonText; } .sentence mark { background: Mark; color: MarkText; } .cite[aria-pressed=true] { background: Highlight; color: HighlightText; forced-color-adjust: none; } }
`;

const ICONS = {
	ask: "M4 5h16v11H9l-5 4zM8 9h8M8 12h5",
	close: "M6 6l12 12M18 6L6 18",
	fresh: "M12 5v14M5 12h14",
	send: "M5 12h14M13 6l6 6-6 6",
	copy: "M9 9h10v11H9zM15 9V4H5v11h4",
	up: "M7 11l4-7c2 0 2.5 1.5 2 3l-.5 2.5H19l-1.5 9.5H7zM7 11H4v8h3",
};
ICONS.down = ICONS.up;

// Black or white, whichever reads better on a colour, and whether the colour reads on our paper.
function coloursOf(accent, dark) {
	const probe = new OffscreenCanvas(1, 1).getContext("2d");
	probe.fillStyle = accent;
	probe.fillRect(0, 0, 1, 1);
	const lightness = luminance(probe.getImageData(0, 0, 1, 1).data);
	const contrast = (other) => (Math.max(lightness, other) + 0.05) / (Math.min(lightness, other) + 0.05);
	const text = contrast(dark ? 0.02 : 0.84) >= 4.5 ? accent : "var(--ink)";
	return { "--accent": accent, "--accent-ink": contrast(1) >= contrast(0) ? "#fff" : "#000", "--accent-text": text };
}

function luminance([red, green, blue]) {
	const linear = [red, green, blue].map((each) => (each / 255 <= 0.04 ? each / 255 / 12.92 : ((each / 255 + 0.055) / 1.055) ** 2.4));
	return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}
