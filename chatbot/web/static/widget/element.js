// The element: what it is told, what it holds, and what it does. One request until it is opened: none
// but for this script.
const OPTIONS = ["site", "api", "article", "selector", "mode", "position", "theme", "accent", "lang", "dir", "title", "placeholder", "starters", "disclaimer", "open", "storage", "patience"];
const TURNS = 10;
const LONGEST = 2000;
const PHONE = "(max-width: 480px)";
const DARK = "(prefers-color-scheme: dark)";
const SLOW = 8000;
// A language model's faults that are alike to a reader.
const BUSY = /^(rate|budget|unav|over)/;
// What words that are lit need above the panel, beside their own height.
const ROOM = 140;
const UNASKED = { shown: 0, answer: null, fault: null };
// The elements by their place at the page's edge, and the one whose citation is lit up.
const places = [];
let lighting = null;

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

	connectedCallback() {
		// Moved within the page is not removed from it, but has left the browser's top layer.
		if (this.#life) return this.#rise();
		this.#life = new AbortController();
		const { signal } = this.#life;
		if (!this.shadowRoot) this.attachShadow({ mode: "open" });
		this.#article = this.article;
		const open = this.hasAttribute("open");
		this.#build();
		watchPage(() => setTimeout(() => this.#pageChanged(), 0), signal);
		document.addEventListener("selectionchange", () => this.#selectionChanged(), { signal });
		// The button goes with the words: by keyboard it is reached past whatever lies between.
		addEventListener("scroll", () => this.#selected && this.#offerSelection(selectedWords()), { signal, passive: true, capture: true });
		for (const name of ["resize", "scroll"]) globalThis.visualViewport?.addEventListener(name, () => this.#fit(), { signal });
		matchMedia(DARK).addEventListener("change", () => this.#colour(), { signal });
		// Whatever is pressed stays under the pointer until it is let go.
		for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => setTimeout(() => (this.#view.panel.style.height = "")), { signal });
		// A page's colours may take a moment to change.
		const look = () => this.getAttribute("theme") === "host" && this.#colour();
		const looks = new MutationObserver(() => look() ?? setTimeout(look, 600));
		for (const each of [document.documentElement, document.body]) looks.observe(each, { attributes: true });
		signal.addEventListener("abort", () => looks.disconnect());
		queueMicrotask(() => signal.aborted || this.#tell("ready", { article: this.article }));
		if (open) this.#show(false);
		else if (this.#inline) this.#prepareWhenSeen(signal);
	}

	disconnectedCallback() {
		queueMicrotask(() => {
			if (this.isConnected || !this.#life) return;
			this.#life.abort();
			this.#life = null;
			this.#stop("cut");
			this.#forgetCitation();
			if (places.includes(this)) places[places.indexOf(this)] = null;
		});
	}

	attributeChangedCallback(name, before, now) {
		if (!this.#life || before === now) return;
		if (name === "open") {
			if ((now !== null) !== this.#open) now !== null ? this.open() : this.close();
		} else if (name === "theme" || name === "accent") {
			this.#colour();
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
		this.#forgetCitation();
		this.#hide();
		const before = this.#focusBefore;
		(before?.isConnected && before !== document.body ? before : this.#view.launcher).focus({ preventScroll: true });
	}

	reset() {
		this.#forget();
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
		const turn = { question: words, ...UNASKED, sentences: [] };
		if (!this.#turns.length) this.#view.log.replaceChildren();
		this.#turns.push(turn);
		return this.#run(turn);
	}

	// ——— What it is told

	get #modes() {
		return this.getAttribute("mode") || "launcher";
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
	#say = (name, value = "") => (STRINGS[this.#language][name] ?? "").replace("{}", () => value);

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
			inline: this.#inline, lang: language, dir, position: start ? "start" : "end",
		};
		this.#forgetCitation();
		const typed = this.#view?.input.value ?? "";
		const focused = this.shadowRoot.activeElement?.part[0];
		this.#view = makeView(this.#say, options, {
			open: () => this.#reopen(),
			close: () => this.close(),
			reset: () => this.reset(),
			submit: (event) => this.#submit(event),
			focus: () => this.#view.dock.removeAttribute("data-low"),
			key: (event) => event.key === "Enter" && !event.shiftKey && !event.isComposing && this.#submit(event),
			askSelection: () => this.#askSelection(),
		});
		this.#view.input.value = typed;
		this.#view.root.addEventListener("keydown", (event) => this.#keyed(event));
		const { panel } = this.#view;
		panel.addEventListener("pointerdown", () => (panel.style.height = `${panel.offsetHeight}px`));
		// The host's shortcuts are not for what is typed here.
		for (const name of ["keyup", "keypress"]) this.#view.root.addEventListener(name, (event) => event.stopPropagation());
		if (!AskArticle.sheet) (AskArticle.sheet = new CSSStyleSheet()).replaceSync(STYLE);
		this.shadowRoot.adoptedStyleSheets = [AskArticle.sheet];
		this.shadowRoot.replaceChildren(this.#view.root);
		this.#rise();
		this.#colour();
		if (!this.#inline && !places.includes(this)) places[[...places, null].indexOf(null)] = this;
		this.#view.dock.style.setProperty("--shift", `${Math.max(0, places.indexOf(this)) * 66}px`);
		this.#expose();
		this.#render();
		if (focused) this.shadowRoot.querySelector(`[part~="${focused}"]`)?.focus({ preventScroll: true });
	}

	// Into the browser's top layer, where no stacking or transform of the host's reaches.
	#rise() {
		if (!this.#inline) this.#view.dock.togglePopover?.(true);
	}

	#colour() {
		const { root } = this.#view;
		const wanted = this.getAttribute("theme");
		const [home] = articleRoots(this.getAttribute("selector"));
		const host = wanted === "host";
		const dark = host ? isDark(home) : wanted === "dark" || (wanted !== "light" && matchMedia(DARK).matches);
		const looks = host ? looksOf(home) : {};
		root.dataset.theme = dark ? "dark" : "light";
		root.removeAttribute("style");
		const own = this.getAttribute("accent");
		const paper = looks["--panel"];
		const accent = CSS.supports("color", own) ? own : paper && getComputedStyle(root).getPropertyValue("--accent");
		if (accent) Object.assign(looks, coloursOf(accent, paper ? luminance(paper) : dark ? 0.02 : 0.84));
		for (const [name, value] of Object.entries(looks)) root.style.setProperty(name, value);
	}

	// A phone's keyboard makes what is seen of the page smaller, but not the page.
	#fit() {
		const seen = globalThis.visualViewport;
		if (!seen) return;
		const zoom = this.currentCSSZoom || 1;
		this.#view.dock.style.setProperty("--seen", `${Math.round(seen.height / zoom)}px`);
		this.#view.dock.style.setProperty("--keyboard", `${Math.max(0, Math.round((innerHeight - seen.height - seen.offsetTop) / zoom))}px`);
	}

	#expose() {
		const { panel, launcher, dock } = this.#view;
		if (this.#inline) return;
		panel.hidden = !this.#open;
		launcher.hidden = this.#open || !(this.#modes.includes("launcher") || this.#turns.length);
		launcher.setAttribute("aria-expanded", this.#open);
		launcher.lastChild.textContent = this.#cited?.peeking ? this.#say("back") : this.getAttribute("title") || this.#say("title");
		dock.toggleAttribute("data-open", this.#open);
		this.toggleAttribute("open", this.#open);
	}

	// ——— Opening and closing

	#show(focus) {
		if (!this.#life) return;
		// Not every browser tells of a new address.
		this.#pageChanged();
		if (!this.#open && !this.#inline) {
			for (const other of places) {
				if (!other?.#open) continue;
				other.#forgetCitation();
				other.#hide();
			}
			this.#focusBefore = document.activeElement === this ? this.#view.launcher : document.activeElement;
			this.#open = true;
			if (this.#cited) this.#cited.peeking = false;
			this.#view.dock.removeAttribute("data-low");
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
		this.#forget();
		this.#render();
		if (this.#open || this.#inline) this.#prepare();
	}

	#forget() {
		this.#stop("cut");
		this.#turns = [];
		this.#forgetCitation();
	}

	#stop(kind) {
		this.#job?.abort(new Fault(kind));
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
		this.#refresh();
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
		this.#refresh();
	}

	#recall() {
		if (this.getAttribute("storage") !== "session" || this.#turns.length) return;
		this.#turns = remembered(this.#key).map(({ question, answer }) => ({ question, answer, sentences: citedSentences(answer), fault: null }));
		this.#render();
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
		this.#stop("stopped");
		// What is lit belongs to what was read before; a quote that was opened stays where it is.
		if (!this.#cited?.quote) this.#forgetCitation();
		const job = new AbortController();
		this.#job = job;
		const article = this.#article;
		const history = this.#turns.filter((each) => each.answer && each !== turn).slice(-TURNS).map((each) => ({ question: each.question, answer: each.answer.text }));
		this.#renderTurn(turn);
		this.#follow(turn);
		this.#renderNext();
		const slow = setTimeout(() => this.#announce((turn.view.status.textContent = this.#say("slow") || "…")), SLOW);
		this.#view.live.replaceChildren();
		try {
			if (turn.question.length > LONGEST) throw new Fault("long");
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
		this.#pageChanged();
		if (article === this.#article && this.#turns.includes(turn)) this.#finish(turn);
		return turn.answer;
	}

	// A sentence that cites nothing may be a refusal, or tell what is left open, in the server's words, not ours: it waits.
	#heard(turn, sentence, signal) {
		if (signal.aborted) return;
		turn.sentences.push(sentence);
		if (sentence.citations?.length) this.#unfold(turn);
	}

	// What has been shown stays the same nodes: a reader may be pressing one of them.
	#unfold(turn) {
		for (const each of turn.sentences.slice(turn.shown)) {
			turn.view.answer.append(this.#sentence(turn, each));
			this.#announce(each.text);
		}
		turn.shown = turn.sentences.length;
		this.#follow(turn);
	}

	#finish(turn) {
		const { answer, fault } = turn;
		const refused = answer?.state === "not_in_article";
		if (refused || (answer && turn.shown > turn.sentences.length)) {
			this.#renderTurn(turn);
		} else {
			if (answer) this.#unfold(turn);
			this.#complete(turn);
		}
		this.#follow(turn);
		if (fault) {
			if (fault.kind === "stopped") return;
			const message = this.#words(fault);
			this.#announce(message);
			this.#tell("error", { kind: fault.kind, message, question: turn.question });
			return;
		}
		if (refused) this.#announce(this.#say("nothing"));
		if (answer.notice) this.#announce(this.#notice(answer));
		if (this.getAttribute("storage") === "session") remember(this.#key, this.#turns.filter((each) => each.answer).map(({ question, answer }) => ({ question, answer })));
		this.#renderNext();
		this.#tell(refused ? "refusal" : "answer", answer);
	}

	#retry(turn) {
		Object.assign(turn, UNASKED, { sentences: [] });
		this.#turns = [...this.#turns.filter((each) => each !== turn), turn];
		this.#view.log.append(turn.view.root);
		this.#focusInput();
		this.#run(turn);
	}

	#words(fault) {
		const known = STRINGS[this.#language];
		// The server speaks English.
		return (this.#language === "en" && fault.detail) || this.#say([fault.kind, "failed"].find((each) => known[each]) ?? "offline", fault.wait);
	}

	// Sentence by sentence; what has been said stays, so that nothing is read twice or lost.
	#announce(text) {
		this.#view.live.append(make("span", {}, `${text} `));
	}

	// ——— Showing the conversation

	#render() {
		this.#view.log.replaceChildren(...(this.#turns.length ? [] : [this.#idle()]));
		for (const turn of this.#turns) this.#renderTurn(turn);
		this.#follow(this.#turns.at(-1));
		this.#renderNext();
	}

	#refresh() {
		if (!this.#turns.length) this.#render();
	}

	#idle() {
		const about = this.#about;
		const onask = (question) => this.#askStarter(question);
		if (!about) return makeIntro(this.#say, [], onask);
		if (about.waiting) return make("p", { class: "status working", role: "status" }, this.#say(about.waiting) || "…");
		if (about.fault) return this.#fault(about.fault, () => this.#prepare());
		if (about.known) return makeIntro(this.#say, this.#starters(), onask);
		return this.#fault(new Fault("unknown"), () => this.#prepare());
	}

	// What went wrong, in words, and a way out of it: for a page that may be read, reading it.
	#fault(fault, again) {
		const about = this.#about;
		if (fault.kind !== "unknown" || about?.fault) return makeFault(this.#words(fault), this.#say("retry"), again);
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
		else view.answer.append(...turn.sentences.slice(0, answer ? undefined : turn.shown).map((each) => this.#sentence(turn, each)));
		const cite = (citation, button) => this.#cite(citation, button);
		if (refused) view.answer.append(...makeNearest(this.#say, answer.nearest ?? [], cite));
		if (answer || fault) this.#complete(turn);
	}

	#complete(turn) {
		const { answer, fault, view } = turn;
		if (fault?.kind === "stopped") return view.status.replaceWith(make("p", { class: "status" }, this.#say("stopped")));
		view.status.remove();
		if (answer?.notice) view.answer.append(make("p", { class: "notice" }, this.#notice(answer)));
		if (answer && answer.state !== "smalltalk") view.root.append(makeTools(this.#say, this.#toolsOf(turn)));
		if (fault) view.root.append(this.#fault(fault, fault.kind !== "long" && (() => this.#retry(turn))));
	}

	// Why these are not a language model's words, or not all of them.
	#notice({ notice, model }) {
		const why = this.#say(`model_${BUSY.test(notice.kind) ? "busy" : notice.kind}`) || this.#say("model_failed");
		return `${why} ${this.#say(model ? "partial" : "standin")}`;
	}

	// What is left open, which the sentence says that cites nothing, is said in the panel's language.
	#sentence(turn, sentence) {
		const open = !sentence.citations?.length && turn.answer?.left_open;
		if (open) sentence.text = `${open.join(" ")} ${this.#say("nothing")}`;
		return makeSentence(this.#say, sentence, sentence.citations ?? [], (citation, button) => this.#cite(citation, button));
	}

	#toolsOf(turn) {
		const { answer } = turn;
		return {
			oncopy: () => copyText(plainText(answer, this.#say("nothing")), this.#view.panel),
			onthumb: (helpful) => {
				this.#tell("feedback", { question: turn.question, helpful });
				// A thumb that is lost is no reason to bother a reader.
				getJson(`${this.api}/api/feedback`, this.#life.signal, this.#patience, { question: turn.question, helpful }).catch(() => {});
			},
		};
	}

	// Questions to go on with, below what has been answered.
	#renderNext() {
		const { next } = this.#view;
		const last = this.#turns.at(-1);
		const offered = this.getAttribute("starters") === "none" ? [] : last?.answer?.suggestions ?? [];
		next.hidden = !offered.length;
		next.replaceChildren(...offered.slice(0, 2).map((each) => starter(String(each), (question) => this.#askStarter(question))));
	}

	// The newest question comes to the top, or as near as it can; a reader who scrolls is left alone.
	#follow(turn) {
		const { log, panel } = this.#view;
		if (turn !== this.#turns.at(-1) || !turn?.view || panel.style.height) return;
		if (this.#asking === turn && Math.abs(log.scrollTop - this.#scrolled) > 4) return;
		this.#asking = turn;
		log.scrollTop = turn.view.root.offsetTop - 14;
		this.#scrolled = log.scrollTop;
	}

	// ——— Citing in place

	#cite(citation, button) {
		if (!this.#tell("citation", citation)) return;
		lighting?.#forgetCitation();
		this.#forgetCitation();
		this.#cited = { button, citation, peeking: false };
		button.setAttribute("aria-pressed", "true");
		const here = [this.#article, this.#about?.id].includes(citation.article) || citation.url === this.#article;
		const found = here ? this.#find(citation) : null;
		if (!found || !canHighlight()) return this.#quote(citation, button, here, found);
		light(found, isDark(found.sentence.startContainer.parentElement));
		lighting = this;
		scrollToRange(found.sentence, this.#makeRoom(found.sentence, button));
		this.#view.live.replaceChildren();
		this.#announce(this.#say("shown", citation.quote));
	}

	// Where the panel would lie on the words it makes itself low; where that is not enough, and on a
	// phone, it goes, and the launcher leads back. The room that is left for them.
	#makeRoom(words, button) {
		const { dock, panel, log, launcher } = this.#view;
		for (const low of [false, true]) {
			if (low) {
				dock.setAttribute("data-low", "");
				log.scrollTop = button.offsetTop - log.clientHeight / 2;
			}
			const at = panel.getBoundingClientRect();
			const { left, right, height, bottom } = aim(words, at.top);
			if (this.#inline || right < at.left || left > at.right) return innerHeight;
			if (at.top >= height + ROOM && at.top > bottom && !matchMedia(PHONE).matches) return at.top;
		}
		this.#cited.peeking = true;
		this.#hide();
		launcher.focus({ preventScroll: true });
		return innerHeight;
	}

	#find(citation) {
		for (const root of articleRoots(this.getAttribute("selector"))) {
			const found = locate(root, citation);
			if (found) return found;
		}
		return null;
	}

	#quote(citation, button, here, found) {
		const url = here ? location.href : citation.url;
		const link = url && (found || !here) ? fragmentLink(url, citation.quote) : null;
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
		button.setAttribute("aria-pressed", "false");
		quote?.remove();
		this.#cited = null;
		this.#view.dock.removeAttribute("data-low");
		this.#expose();
		if (lighting !== this) return;
		lighting = null;
		unlight();
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
		const { selection } = this.#view;
		this.#selected = found;
		selection.hidden = !found;
		selection.togglePopover?.(Boolean(found));
		if (!found) return;
		const { width, height } = selection.getBoundingClientRect();
		const zoom = this.currentCSSZoom || 1;
		const put = (side, place, most) => (selection.style[side] = `${Math.max(8, Math.min(place, most - 8)) / zoom}px`);
		const below = found.box.bottom + 8 + height < innerHeight;
		put("left", found.box.right - width / 2, innerWidth - width);
		put("top", below ? found.box.bottom + 8 : found.box.top - height - 8, innerHeight - height);
	}

	async #askSelection() {
		const found = this.#selected;
		this.#offerSelection(null);
		if (!found) return;
		this.open();
		if (this.#inline) this.scrollIntoView({ block: "nearest" });
		await this.#prepare();
		this.ask(this.#say("about", found.words) || found.words);
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
