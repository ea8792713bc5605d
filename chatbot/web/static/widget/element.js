// The element: what it is told, what it holds, and what it does. One request until it is opened: none
// but for this script.
const OPTIONS = ["site", "api", "article", "selector", "mode", "position", "theme", "accent", "lang", "dir", "title", "placeholder", "starters", "disclaimer", "open", "storage", "patience"];
const TURNS = 10;
const PHONE = "(max-width: 480px)";
const SLOW = 8000;
// What a reader is told of a language model's faults, some of which are alike to them.
const MODEL_FAULTS = { timeout: "timeout", unsupported: "unsupported", rate_limited: "busy", budget: "busy", unavailable: "busy", overloaded: "busy" };
let count = 0;

class AskArticle extends HTMLElement {
	static observedAttributes = OPTIONS;
	#turns = [];
	#about = null;
	#article = "";
	#open = false;
	#life = null;
	#job = null;
	#view = null;
	#focusBefore = null;
	#cited = null;
	#asking = null;
	#building = false;
	#scrolled = 0;
	#place = -1;

	connectedCallback() {
		if (this.#life) return;
		this.#life = new AbortController();
		const { signal } = this.#life;
		this.#place = count++;
		if (!this.shadowRoot) this.attachShadow({ mode: "open" });
		this.#article = this.article;
		const open = this.hasAttribute("open");
		this.#build();
		watchPage(() => setTimeout(() => this.#pageChanged(), 0), signal);
		document.addEventListener("selectionchange", () => this.#selectionChanged(), { signal });
		addEventListener("scroll", () => this.#offerSelection(null), { signal, passive: true });
		for (const name of ["resize", "scroll"]) globalThis.visualViewport?.addEventListener(name, () => this.#fit(), { signal });
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#colour(), { signal });
		queueMicrotask(() => signal.aborted || this.#tell("ready", { article: this.article }));
		if (open) this.#show(false);
		else if (this.#inline) this.#prepareWhenSeen(signal);
	}

	disconnectedCallback() {
		// Moved within the page is not removed from it.
		queueMicrotask(() => {
			if (this.isConnected || !this.#life) return;
			this.#life.abort();
			this.#life = null;
			this.#job?.abort(new Fault("cut"));
			if (this.#cited) unlight();
			count--;
		});
	}

	attributeChangedCallback(name, before, now) {
		if (!this.#life || before === now) return;
		if (name === "open") {
			if ((now !== null) !== this.#open) now !== null ? this.open() : this.close();
		} else if (name === "article" || name === "site" || name === "api") {
			if (name === "api") this.#article = "";
			this.#pageChanged();
		} else if (!this.#building) {
			this.#building = true;
			queueMicrotask(() => {
				this.#building = false;
				if (this.#life) this.#build();
			});
		}
	}

	// ——— What a page may do

	get article() {
		return this.getAttribute("article") || articleOfPage(this.getAttribute("site"));
	}

	get api() {
		return webAddress(this.getAttribute("api")).replace(/\/+$/, "") || HOME;
	}

	open() {
		this.#show(true);
	}

	close() {
		if (!this.#open || this.#inline) return;
		this.#hide();
		const before = this.#focusBefore;
		(before?.isConnected && before !== document.body ? before : this.#view.launcher).focus({ preventScroll: true });
	}

	reset() {
		this.#job?.abort(new Fault("cut"));
		this.#turns = [];
		this.#forgetCitation();
		remember(this.#key, []);
		this.#render();
		if (this.#open) this.#focusInput();
	}

	setArticle(article) {
		if (article) this.setAttribute("article", article);
		else this.removeAttribute("article");
	}

	async ask(question) {
		const words = String(question ?? "").trim();
		if (!words || !this.#life) return null;
		this.#show(false);
		const turn = { question: words, sentences: [], answer: null, fault: null };
		this.#turns.push(turn);
		this.#render();
		return this.#run(turn);
	}

	// ——— What it is told

	get #modes() {
		return (this.getAttribute("mode") || "launcher").split(/\s+/);
	}

	get #inline() {
		return this.#modes.includes("inline");
	}

	get #language() {
		return languageOf(this.getAttribute("lang"), this.getAttribute("lang") ? null : document.documentElement.lang, navigator.language);
	}

	get #key() {
		return `ask-article ${this.api} ${this.#article}`;
	}

	get #patience() {
		return Number(this.getAttribute("patience")) || 30;
	}

	// Until the server has been heard only the first few words of a language are here.
	#say = (name, value = "") => (STRINGS[this.#language][name] ?? "…").replace("{}", () => value);

	#starters() {
		const own = this.getAttribute("starters");
		if (own === "none") return [];
		if (own) return own.split("|").map((each) => each.trim()).filter(Boolean);
		return this.#about?.starters ?? [];
	}

	#tell(name, detail) {
		// An event called error that bubbled would look like a script's failure to the page.
		const options = { detail, bubbles: name !== "error", composed: true, cancelable: name === "citation" };
		return this.dispatchEvent(new CustomEvent(name, options));
	}

	// ——— Looks

	#build() {
		const language = this.#language;
		const dir = this.getAttribute("dir") || (RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr");
		// Left and right are the page's, start and end the language's.
		const position = this.getAttribute("position") ?? "";
		const start = position.endsWith("start") || position.endsWith(dir === "rtl" ? "right" : "left");
		const options = {
			title: this.getAttribute("title"), placeholder: this.getAttribute("placeholder"), disclaimer: this.getAttribute("disclaimer"),
			inline: this.#inline, lang: language, dir, theme: "auto", position: start ? "start" : "end",
		};
		const typed = this.#view?.input.value ?? "";
		const focused = this.shadowRoot.activeElement?.part[0];
		this.#view = makeView(this.#say, options, {
			open: () => this.#reopen(),
			close: () => this.close(),
			reset: () => this.reset(),
			submit: (event) => this.#submit(event),
			key: (event) => event.key === "Enter" && !event.shiftKey && !event.isComposing && this.#submit(event),
			askSelection: () => this.#askSelection(),
		});
		this.#view.input.value = typed;
		this.#view.root.addEventListener("keydown", (event) => this.#keyed(event));
		// The host's shortcuts are not for what is typed here.
		for (const name of ["keyup", "keypress"]) this.#view.root.addEventListener(name, (event) => event.stopPropagation());
		if (!AskArticle.sheet) (AskArticle.sheet = new CSSStyleSheet()).replaceSync(STYLE);
		this.shadowRoot.adoptedStyleSheets = [AskArticle.sheet];
		this.shadowRoot.replaceChildren(this.#view.root);
		this.#rise();
		this.#colour();
		this.#place > 0 && this.#view.dock.style.setProperty("--shift", `${this.#place * 66}px`);
		this.#expose();
		this.#render();
		if (focused) this.shadowRoot.querySelector(`[part~="${focused}"]`)?.focus({ preventScroll: true });
	}

	// Into the browser's top layer, where no stacking or transform of the host's reaches.
	#rise() {
		const { dock } = this.#view;
		if (this.#inline || !dock.showPopover) return;
		dock.popover = "manual";
		dock.showPopover();
	}

	#colour() {
		const { root } = this.#view;
		const wanted = this.getAttribute("theme");
		const system = matchMedia("(prefers-color-scheme: dark)").matches;
		const dark = wanted === "dark" || (wanted === "host" ? hostIsDark() : wanted !== "light" && system);
		root.dataset.theme = dark ? "dark" : "light";
		if (wanted === "host") for (const name of ["--sans", "--serif"]) root.style.setProperty(name, getComputedStyle(document.body).fontFamily);
		const accent = this.getAttribute("accent");
		if (!accent || !CSS.supports("color", accent)) return;
		for (const [name, value] of Object.entries(coloursOf(accent, dark))) root.style.setProperty(name, value);
	}

	// A phone's keyboard makes what is seen of the page smaller, but not the page.
	#fit() {
		const seen = globalThis.visualViewport;
		if (!seen || !this.#view) return;
		this.#view.dock.style.setProperty("--seen", `${Math.round(seen.height)}px`);
		this.#view.dock.style.setProperty("--keyboard", `${Math.max(0, Math.round(innerHeight - seen.height - seen.offsetTop))}px`);
	}

	#expose() {
		const { panel, launcher, dock } = this.#view;
		if (this.#inline) return;
		panel.hidden = !this.#open;
		launcher.hidden = this.#open || (!this.#modes.includes("launcher") && !this.#cited);
		launcher.setAttribute("aria-expanded", String(this.#open));
		launcher.lastChild.textContent = this.#cited?.peeking ? this.#say("back") : this.getAttribute("title") || this.#say("title");
		dock.toggleAttribute("data-open", this.#open);
		if (this.hasAttribute("open") !== this.#open) this.toggleAttribute("open", this.#open);
	}

	// ——— Opening and closing

	#show(focus) {
		if (!this.#life) return;
		if (!this.#open && !this.#inline) {
			this.#focusBefore = document.activeElement === this ? this.#view.launcher : document.activeElement;
			this.#open = true;
			if (this.#cited) this.#cited.peeking = false;
			this.#offerSelection(null);
			this.#fit();
			this.#expose();
		}
		this.#prepare();
		if (focus) this.#focusInput();
	}

	#hide() {
		this.#open = false;
		this.#expose();
	}

	#reopen() {
		const cited = this.#cited?.peeking ? this.#cited.button : null;
		this.#show(!cited);
		cited?.focus({ preventScroll: true });
	}

	// On a phone the box would call up the keyboard, which hides what there is to read.
	#focusInput() {
		const { log, input } = this.#view;
		(matchMedia("(pointer: coarse)").matches ? log : input).focus({ preventScroll: true });
	}

	#keyed(event) {
		if (event.key === "Escape" && this.#open && !event.isComposing) {
			event.preventDefault();
			this.close();
		}
		event.stopPropagation();
	}

	// ——— The article

	#pageChanged() {
		if (!this.#life || this.article === this.#article) return;
		this.#article = this.article;
		this.#about = null;
		this.#job?.abort(new Fault("cut"));
		this.#turns = [];
		this.#forgetCitation();
		this.#render();
		if (this.#open || this.#inline) this.#prepare();
	}

	#prepareWhenSeen(signal) {
		const observer = new IntersectionObserver((entries) => {
			if (!entries.some((each) => each.isIntersecting)) return;
			observer.disconnect();
			if (!signal.aborted) this.#prepare();
		});
		observer.observe(this.#view.root);
		signal.addEventListener("abort", () => observer.disconnect());
	}

	// What the server knows of the article; asked once, and again after a failure.
	#prepare() {
		if (this.#about && !this.#about.fault) return this.#about.pending;
		this.#pageChanged();
		return this.#inquire((signal) => getJson(`${this.api}/api/about?article=${encodeURIComponent(this.#article)}&lang=${this.#language}`, signal, this.#patience));
	}

	#learn() {
		return this.#inquire((signal) => getJson(`${this.api}/api/learn`, signal, Math.max(60, this.#patience), { article: this.#article }), "learning");
	}

	#inquire(inquiry, waiting = "working") {
		const about = { waiting, known: false };
		this.#about = about;
		about.pending = this.#settle(about, inquiry);
		this.#render();
		return about.pending;
	}

	async #settle(about, inquiry) {
		try {
			const { known, id, starters, learnable, strings } = Object(await inquiry(this.#life.signal));
			if (typeof known !== "boolean") throw new Fault("odd");
			const words = STRINGS[this.#language];
			if (strings && !words.send) {
				Object.assign(words, strings);
				this.#build();
			}
			Object.assign(about, { known, id, learnable, starters: Array.isArray(starters) ? starters.slice(0, 4).map(String) : [] });
		} catch (fault) {
			about.fault = about.waiting === "learning" && fault.kind === "failed" ? new Fault("unread") : fault;
		}
		about.waiting = null;
		if (this.#about !== about) return;
		if (about.fault instanceof Fault) this.#tell("error", { kind: about.fault.kind, message: this.#words(about.fault) });
		if (about.known) this.#recall();
		this.#render();
	}

	#recall() {
		if (this.getAttribute("storage") !== "session" || this.#turns.length) return;
		this.#turns = remembered(this.#key).map(({ question, answer }) => ({ question, answer, sentences: citedSentences(answer), fault: null }));
	}

	// ——— Asking

	#submit(event) {
		event.preventDefault();
		const { input } = this.#view;
		const question = input.value;
		if (!question.trim()) return;
		input.value = "";
		this.ask(question);
	}

	async #run(turn) {
		this.#job?.abort(new Fault("cut"));
		const job = new AbortController();
		this.#job = job;
		const article = this.#article;
		const history = this.#turns.filter((each) => each.answer && each !== turn).slice(-TURNS).map((each) => ({ question: each.question, answer: each.answer.text }));
		const slow = setTimeout(() => turn.view && (turn.view.status.textContent = this.#say("slow")), SLOW);
		this.#view.live.replaceChildren();
		try {
			await this.#prepare();
			if (job.signal.aborted) throw job.signal.reason;
			if (this.#about.fault) throw this.#about.fault;
			if (!this.#about.known) throw new Fault("unknown");
			const onSentence = (sentence) => this.#heard(turn, sentence, job.signal);
			const body = { question: turn.question, history, article: this.#about.id };
			const answer = await askServer(this.api, body, { signal: job.signal, seconds: this.#patience, onSentence });
			if (answer.state === "limited") throw new Fault("busy");
			if (!["answered", "not_in_article", "smalltalk"].includes(answer.state)) throw new Fault("failed");
			turn.answer = answer;
			turn.sentences = citedSentences(answer);
		} catch (fault) {
			turn.fault = fault instanceof Fault ? fault : new Fault("failed");
		} finally {
			clearTimeout(slow);
			if (this.#job === job) this.#job = null;
		}
		if (article === this.#article && this.#turns.includes(turn)) this.#finish(turn);
		return turn.answer;
	}

	#heard(turn, sentence, signal) {
		if (signal.aborted) return;
		turn.sentences.push(sentence);
		turn.view.answer.append(this.#sentence(turn, sentence));
		this.#follow(turn);
		this.#announce(sentence.text);
	}

	#finish(turn) {
		const { answer, fault } = turn;
		// What has been streamed stays the same nodes: a reader may be pressing one of them.
		const streamed = answer && answer.state !== "not_in_article" && turn.view.answer.querySelectorAll(".sentence").length === turn.sentences.length;
		streamed ? this.#complete(turn) : this.#renderTurn(turn);
		this.#follow(turn);
		if (fault) {
			const message = this.#words(fault);
			this.#announce(message);
			this.#tell("error", { kind: fault.kind, message, question: turn.question });
			return;
		}
		if (answer.state === "not_in_article") this.#announce(this.#say("nothing"));
		if (answer.notice) this.#announce(this.#notice(answer));
		if (this.getAttribute("storage") === "session") remember(this.#key, this.#turns.filter((each) => each.answer).map(({ question, answer }) => ({ question, answer })));
		this.#renderNext();
		this.#tell(answer.state === "not_in_article" ? "refusal" : "answer", answer);
	}

	#retry(turn) {
		Object.assign(turn, { fault: null, sentences: [], answer: null });
		this.#turns = [...this.#turns.filter((each) => each !== turn), turn];
		this.#render();
		this.#focusInput();
		this.#run(turn);
	}

	#words(fault) {
		const known = STRINGS[this.#language];
		return fault.detail || this.#say([fault.kind, "failed"].find((each) => known[each]) ?? "offline", fault.wait);
	}

	// Sentence by sentence; what has been said stays, so that nothing is read twice or lost.
	#announce(text) {
		this.#view.live.setAttribute("aria-atomic", "false");
		this.#view.live.append(make("span", {}, `${text} `));
	}

	// ——— Showing the conversation

	#render() {
		if (!this.#view) return;
		const { log } = this.#view;
		if (this.#turns.length) {
			log.replaceChildren();
			for (const turn of this.#turns) this.#renderTurn(turn);
			this.#follow(this.#turns.at(-1));
		} else {
			log.replaceChildren(this.#idle());
		}
		this.#renderNext();
	}

	#idle() {
		const about = this.#about;
		const onask = (question) => this.#askStarter(question);
		if (!about) return makeIntro(this.#say, [], onask);
		if (about.waiting) return make("p", { class: "status working", role: "status" }, this.#say(about.waiting));
		if (about.fault) return this.#fault(about.fault, () => this.#prepare());
		if (about.known) return makeIntro(this.#say, this.#starters(), onask);
		return this.#fault(new Fault("unknown"), () => this.#prepare());
	}

	// What went wrong, in words, and a way out of it: for a page that may be read, reading it.
	#fault(fault, again) {
		const about = this.#about;
		if (fault.kind !== "unknown" || about.fault) return makeFault(this.#words(fault), this.#say("retry"), again);
		return makeFault(this.#say("unknown"), this.#say(about.learnable ? "learn" : "retry"), async () => {
			if (about.learnable) await this.#learn();
			else this.#about = null;
			again();
		});
	}

	#askStarter(question) {
		this.ask(question);
		this.#focusInput();
	}

	#renderTurn(turn) {
		const view = makeTurn(this.#say, turn.question);
		turn.view?.root.isConnected ? turn.view.root.replaceWith(view.root) : this.#view.log.append(view.root);
		turn.view = view;
		const { answer, fault } = turn;
		const refused = answer?.state === "not_in_article";
		if (refused) view.answer.append(make("p", { class: "sentence refused", part: "refusal" }, this.#say("nothing")));
		else view.answer.append(...turn.sentences.map((each) => this.#sentence(turn, each)));
		const cite = (citation, button) => this.#cite(citation, button);
		if (refused) view.answer.append(...makeNearest(this.#say, answer.nearest ?? [], cite));
		if (answer || fault) this.#complete(turn);
	}

	#complete(turn) {
		const { answer, fault, view } = turn;
		view.status.remove();
		if (answer?.notice) view.answer.append(make("p", part("notice"), this.#notice(answer)));
		if (answer && answer.state !== "smalltalk") view.root.append(makeTools(this.#say, this.#toolsOf(turn)));
		if (fault) view.root.append(this.#fault(fault, () => this.#retry(turn)));
	}

	// Why these are not a language model's words, or not all of them.
	#notice({ notice, model }) {
		const kind = MODEL_FAULTS[notice.kind] ?? "failed";
		return `${this.#say(`model_${kind}`)} ${this.#say(model ? "partial" : "standin")}`;
	}

	#sentence(turn, sentence) {
		return makeSentence(this.#say, sentence, sentence.citations ?? [], (citation, button) => this.#cite(citation, button));
	}

	#toolsOf(turn) {
		const { answer } = turn;
		return {
			oncopy: () => copyText(plainText(answer, this.#say("nothing")), this.#view.panel),
			onthumb: (helpful) => {
				this.#tell("feedback", { question: turn.question, helpful });
				getJsonQuietly(`${this.api}/api/feedback`, { question: turn.question, helpful });
			},
		};
	}

	// Questions to go on with, below what has been answered.
	#renderNext() {
		const { next } = this.#view;
		const last = this.#turns.at(-1);
		const offered = this.getAttribute("starters") === "none" ? [] : last?.answer?.suggestions ?? [];
		next.hidden = !offered.length;
		next.replaceChildren(...offered.slice(0, 3).map((each) => starter(String(each), (question) => this.#askStarter(question))));
	}

	// The newest question comes to the top, or as near as it can; a reader who scrolls is left alone.
	#follow(turn) {
		const { log } = this.#view;
		if (turn !== this.#turns.at(-1) || !turn?.view) return;
		if (this.#asking === turn && Math.abs(log.scrollTop - this.#scrolled) > 4) return;
		this.#asking = turn;
		log.scrollTop = turn.view.root.offsetTop - 14;
		this.#scrolled = log.scrollTop;
	}

	// ——— Citing in place

	#cite(citation, button) {
		if (!this.#tell("citation", citation)) return;
		this.#forgetCitation();
		this.#cited = { button, citation, peeking: false };
		if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", "true");
		const here = [this.#article, this.#about?.id].includes(citation.article) || citation.url === this.#article;
		const found = here ? this.#find(citation) : null;
		if (!found || !canHighlight()) this.#quote(citation, button, here, found);
		if (!found) return;
		light(found);
		if (matchMedia(PHONE).matches && !this.#inline) {
			this.#cited.peeking = true;
			this.#hide();
			this.#view.launcher.focus({ preventScroll: true });
		}
		scrollToRange(found.sentence);
		this.#view.live.replaceChildren();
		this.#announce(this.#say("shown", citation.quote));
	}

	// In what is most likely the article, then in the whole page; or where the site says.
	#find(citation) {
		const only = (name) => {
			const all = document.querySelectorAll(name);
			return all.length === 1 ? all[0] : null;
		};
		const own = this.getAttribute("selector");
		const roots = own ? [chosen(own)] : [only("article"), only("main"), document.body];
		for (const root of new Set(roots)) {
			const found = root && locate(root, citation);
			if (found) return found;
		}
		return null;
	}

	#quote(citation, button, here, found) {
		const url = here ? location.href : citation.url;
		const link = url && (found || !here) ? fragmentLink(url, citation) : null;
		const label = this.#say(here && !found ? "absent" : "elsewhere");
		const quote = makeQuote(label, citation, link, this.#say("place"));
		this.#cited.quote = quote;
		(button.closest(".sentence") ?? button).after(quote);
		this.#view.live.replaceChildren();
		this.#announce(`${label} ${citation.quote}`);
	}

	#forgetCitation() {
		if (!this.#cited) return;
		const { button, quote } = this.#cited;
		if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", "false");
		quote?.remove();
		this.#cited = null;
		unlight();
		this.#expose();
	}

	// ——— Asking about what is selected

	#selectionChanged() {
		if (!this.#modes.includes("selection")) return;
		clearTimeout(this.#selecting);
		this.#selecting = setTimeout(() => this.#life && this.#offerSelection(selectedWords()), 150);
	}
	#selecting = 0;
	#selected = null;

	#offerSelection(found) {
		const { selection } = this.#view ?? {};
		if (!selection || this.#inline || (!found && selection.hidden)) return;
		this.#selected = found;
		selection.hidden = !found;
		if (!found) return;
		const { width, height } = selection.getBoundingClientRect();
		const below = found.box.bottom + 8 + height < innerHeight;
		selection.style.left = `${Math.max(8, Math.min(found.box.right - width / 2, innerWidth - width - 8))}px`;
		selection.style.top = `${Math.max(8, below ? found.box.bottom + 8 : found.box.top - height - 8)}px`;
	}

	async #askSelection() {
		const found = this.#selected;
		this.#offerSelection(null);
		if (!found) return;
		this.open();
		await this.#prepare();
		this.ask(this.#say("about", found.words).replace(/^…$/, found.words));
	}
}

// An answer's sentences with their citations whole, as they come in a stream.
function citedSentences(answer) {
	const whole = new Map((answer.citations ?? []).map((each) => [each.number, each]));
	return answer.sentences.map(({ text, citations, supported }, place) => ({ text: String(text), supported, phrase: place ? null : answer.phrase, citations: (citations ?? []).map((each) => whole.get(each)).filter(Boolean) }));
}

// An answer for the clipboard: its words, and below them its sources.
function plainText(answer, nothing) {
	const notes = (answer.citations ?? []).map(({ number, quote, title, url }) => [`[${number}] “${quote.replace(/\s+/g, " ")}”`, title, url].filter(Boolean).join(", "));
	return [answer.state === "not_in_article" ? nothing : answer.text, ...(notes.length ? ["", ...notes] : [])].join("\n");
}

// A thumb that is lost is no reason to bother a reader.
function getJsonQuietly(url, body) {
	fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), credentials: "omit", keepalive: true }).catch(() => {});
}

function chosen(selector) {
	try {
		return document.querySelector(selector) ?? document.body;
	} catch {
		return document.body;
	}
}
