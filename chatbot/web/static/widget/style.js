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
function coloursOf(accent, paper) {
	const lightness = luminance(accent);
	const text = contrast(lightness, paper) >= 4.5 ? accent : "var(--ink)";
	return { "--accent": accent, "--accent-ink": contrast(lightness, 1) >= contrast(lightness, 0) ? "#fff" : "#000", "--accent-text": text };
}

const contrast = (one, other) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);

// A colour, however it is written, as red, green, blue and alpha.
function pixelOf(colour) {
	const probe = new OffscreenCanvas(1, 1).getContext("2d");
	probe.fillStyle = colour;
	probe.fillRect(0, 0, 1, 1);
	return probe.getImageData(0, 0, 1, 1).data;
}

// As bright as it looks, nearly: 0 to 1.
function luminance(colour) {
	const [red, green, blue] = Array.from(pixelOf(colour), (each) => (each / 255) ** 2.2);
	return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
