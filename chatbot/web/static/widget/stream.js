// Asking the server: server-sent events, and every way in which they can fail.
class Fault extends Error {
	// `kind` names a string; `detail` is the server's own word, `wait` the seconds it asks for.
	constructor(kind, { detail = "", wait = 0 } = {}) {
		super(detail || kind);
		Object.assign(this, { kind, detail, wait });
	}
}

// Text in, however it is cut; whole events out. Comments are only signs of life.
function eventParser(onEvent) {
	let rest = "";
	let name = "";
	let data = [];
	const line = (text) => {
		if (!text) {
			if (data.length) onEvent(name || "message", data.join("\n"));
			name = "";
			data = [];
			return;
		}
		const [, field, value] = text.match(/^([^:]*):? ?(.*)$/s);
		if (field === "event") name = value;
		else if (field === "data") data.push(value);
	};
	return (text) => {
		rest += text;
		let from = 0;
		// A carriage return at the very end may be half of a line's end.
		for (const end of rest.matchAll(/\r\n|\n|\r(?!$)/g)) {
			line(rest.slice(from, end.index));
			from = end.index + end[0].length;
		}
		rest = rest.slice(from);
	};
}

// A signal that also fires when nothing was heard for `seconds`.
function patience(signal, seconds) {
	const control = new AbortController();
	let timer;
	const heard = () => {
		clearTimeout(timer);
		timer = setTimeout(() => control.abort(new Fault("timeout")), seconds * 1000);
	};
	const stop = () => control.abort(signal.reason);
	signal.addEventListener("abort", stop, { once: true });
	if (signal.aborted) stop();
	heard();
	const end = () => {
		clearTimeout(timer);
		signal.removeEventListener("abort", stop);
	};
	return { signal: control.signal, heard, end };
}

async function faultOf(response) {
	const wait = Math.min(Number(response.headers.get("Retry-After")) || 0, 3600);
	const said = await response.json().catch(() => ({}));
	const detail = typeof said.detail === "string" ? said.detail : "";
	if (response.status === 429) return new Fault(wait ? "wait" : "busy", { wait });
	if (response.status === 404 && detail) return new Fault("unknown");
	// What is wrong with a question is said by the server; what is wrong with a server, by us.
	return new Fault("failed", { detail: response.status < 500 ? detail : "", wait });
}

async function request(url, options, watch) {
	try {
		return await fetch(url, { ...options, signal: watch.signal, credentials: "omit", referrerPolicy: "origin" });
	} catch (error) {
		throw watch.signal.aborted ? watch.signal.reason : new Fault("offline");
	}
}

async function getJson(url, signal, seconds, body) {
	const watch = patience(signal, seconds);
	const headers = { "Content-Type": "application/json" };
	try {
		// What is told in passing arrives although the page is left.
		const options = body ? { method: "POST", headers, body: JSON.stringify(body), keepalive: true } : {};
		const response = await request(url, options, watch);
		if (!response.ok) throw await faultOf(response);
		return await response.json();
	} catch (error) {
		if (error instanceof Fault || error === signal.reason) throw error;
		throw watch.signal.aborted ? watch.signal.reason : new Fault("odd");
	} finally {
		watch.end();
	}
}

// The answer to a question; `onSentence` hears each finished sentence before that.
async function askServer(api, body, { signal, seconds, onSentence }) {
	const watch = patience(signal, seconds);
	try {
		const headers = { "Content-Type": "application/json", Accept: "text/event-stream" };
		const options = { method: "POST", headers, body: JSON.stringify({ ...body, stream: true }) };
		const response = await request(`${api}/api/ask`, options, watch);
		if (!response.ok) throw await faultOf(response);
		const type = response.headers.get("Content-Type") ?? "";
		if (!type.startsWith("text/event-stream") || !response.body) throw new Fault("odd");
		return await readAnswer(response.body, watch, onSentence);
	} finally {
		watch.end();
	}
}

async function readAnswer(stream, watch, onSentence) {
	let answer = null;
	const decoder = new TextDecoder();
	const parse = eventParser((name, data) => {
		const value = parsed(data);
		if (name === "sentence" && typeof value.text === "string") onSentence(value);
		if (name === "answer" && Array.isArray(value.sentences)) answer = value;
		if (name === "error") throw new Fault("failed");
	});
	const reader = stream.getReader();
	try {
		while (!answer) {
			const { done, value } = await reader.read();
			if (done) break;
			watch.heard();
			parse(decoder.decode(value, { stream: true }));
		}
	} catch (error) {
		if (error instanceof Fault) throw error;
		throw watch.signal.aborted ? watch.signal.reason : new Fault("cut");
	} finally {
		reader.cancel().catch(() => {});
	}
	if (!answer) throw new Fault("cut");
	return answer;
}

function parsed(data) {
	try {
		return Object(JSON.parse(data));
	} catch {
		throw new Fault("odd");
	}
}
