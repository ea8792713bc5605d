// Drawings and colours; the style sheet is in style.css.
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
