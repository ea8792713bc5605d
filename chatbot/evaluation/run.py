"""Ask a data set's questions and judge what comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib.metadata import version

from chatbot.answering.prepared import Prepared
from chatbot.answers import MAX_TURNS, Answer, Citation, Request
from chatbot.bot import Chatbot
from chatbot.evaluation import metrics
from chatbot.evaluation.datasets import Dataset, Question
from chatbot.evaluation.evidence import Evidence
from chatbot.evaluation.result import Found, Outcome, Result
from index import Hit, Query

DEEP = 60
"""So many passages are ranked, since several may belong to one article of the corpus."""
EVERYTHING = 1_000_000
WARMING = "Is anybody there?"


def evaluate_bot(
    bot: Chatbot,
    dataset: Dataset,
    oracle: bool = False,
    progress: Callable[[str, float, float], None] | None = None,
) -> Result:
    """Ask every question; with `oracle` the gold passages are handed over instead of found.

    Raises DatasetError, before anything is asked, where a quote or an article of the data set is
    not in the index.
    """
    evidence = Evidence(bot, dataset)
    # The first question of a process loads the models, which is no question's latency. It is none
    # of the data set's, as what was made of a text is kept.
    bot.retriever.search([Query(WARMING)], 1)
    if reader := bot.answerer.reader:
        reader.read(WARMING, [WARMING])
    outcomes = []
    for place, question in enumerate(dataset.questions, start=1):
        outcomes.append(_asked(bot, question, evidence, oracle))
        if progress:
            progress(
                f"question {place:,} of {len(dataset.questions):,}", place, len(dataset.questions)
            )
    about = {
        "version": version("ask-article"),
        "embedder": bot.index.embedder.name,
        "threshold": bot.answerer.threshold,
        "articles": len(bot.articles()),
    }
    return Result(dataset.name, oracle, tuple(_ranked(outcomes, oracle)), about)


def _asked(bot: Chatbot, question: Question, evidence: Evidence, oracle: bool) -> Outcome:
    request = Request(question.text, question.history[-MAX_TURNS:], question.article)
    gold = evidence.passages(question) if oracle else frozenset()
    articles = evidence.articles(question) if gold else frozenset()

    def handed(queries: Sequence[Query], _: Sequence[str]) -> list[Hit]:
        found = bot.retriever.search(queries, EVERYTHING, articles)
        return [hit for hit in found if hit.passage.id in gold]

    started = time.perf_counter()
    prepared = bot.answerer.prepare(request, handed if gold else None)
    *_, answer = bot.answerer.write(prepared)
    took = (time.perf_counter() - started) * 1000
    assert isinstance(answer, Answer)
    relevant = evidence.relevant(question)
    ranking = _by_document(_hits(bot, prepared), evidence)
    found = [replace(each, relevant=each.id in relevant) for each in ranking]
    held = [evidence.holds(question, each) for each in answer.citations or answer.nearest]
    return Outcome(
        question=question,
        answer=answer,
        found=tuple(found),
        relevant=relevant,
        milliseconds=took,
        figures=_figures(bot, question, answer, evidence),
        right=False if question.answerable is False else _right(held),
    )


def _hits(bot: Chatbot, prepared: Prepared) -> list[Hit]:
    """The ranking behind an answer, deeper than the answer itself looks."""
    ids = bot.answerer.view(prepared.request.article).ids
    if prepared.queries:
        first = {hit.passage.id for hit in prepared.hits}
        deeper = bot.retriever.search(prepared.queries, DEEP, ids)
        return [*prepared.hits, *(hit for hit in deeper if hit.passage.id not in first)]
    # A summary searches nothing; what it quotes is what it found.
    places = {(q.article, q.sentence.start): n for n, q in enumerate(prepared.summary)}
    every = bot.retriever.search([Query(prepared.request.question)], EVERYTHING, ids)
    quoted: dict[int, Hit] = {}
    for hit in every if places else ():
        for sentence in hit.passage.sentences:
            place = places.get((hit.passage.article_id, sentence.start))
            if place is not None:
                quoted[place] = hit
    return [quoted[place] for place in sorted(quoted)]


def _by_document(hits: Iterable[Hit], evidence: Evidence) -> list[Found]:
    """Each document once, where its best passage stands."""
    found: dict[str, Found] = {}
    for hit in hits:
        name = evidence.document(hit)
        if name not in found:
            title = evidence.named[hit.passage.article_id].title or name
            found[name] = Found(name, title, hit.passage.text, hit.score, False)
    return list(found.values())[: metrics.DEPTH]


def _figures(
    bot: Chatbot, question: Question, answer: Answer, evidence: Evidence
) -> dict[str, float | None]:
    citations = answer.citations
    verbatim = [bot.article(c.article).text[c.start : c.end] == c.quote for c in citations]
    held = [evidence.holds(question, citation) for citation in citations]
    known = bool(question.answerable and (question.evidence or question.answers))
    first = _exact(answer) if answer.answered else ""
    phrases = bool(question.answerable and question.answers)
    f1 = metrics.token_f1(first, question.answers) if phrases else None
    if question.answerable and question.reference:
        whole = " ".join(each.text for each in answer.sentences) if answer.answered else ""
        f1 = metrics.token_f1(whole, [question.reference])
    return {
        **dict.fromkeys(metrics.RETRIEVAL),
        "first_sentence": float(any(held[:1])) if known else None,
        "any_sentence": float(any(held)) if known else None,
        "exact_match": metrics.exact_match(first, question.answers) if phrases else None,
        "f1": f1,
        "f1_v2": _v2(question, answer, f1) if evidence.has_phrases else None,
        "verbatim": metrics.mean([float(each) for each in verbatim]),
        "evidence_precision": metrics.mean(
            [_precise(question, c, h) for c, h in zip(citations, held, strict=True)]
        ),
    }


def _v2(question: Question, answer: Answer, f1: float | None) -> float | None:
    """SQuAD 2.0's figure, which counts a refusal of an open question as right (Rajpurkar 2018)."""
    return float(not answer.answered) if question.answerable is False else f1


def _exact(answer: Answer) -> str:
    """The words marked in the first sentence as the answer; without a reader, the sentence."""
    phrase = answer.citations[0].phrase if answer.citations else None
    return phrase.quote if phrase else answer.sentences[0].text


def _precise(question: Question, citation: Citation, held: bool | None) -> float | None:
    if held is not None:
        return float(held)
    return float(citation.article in question.relevant) if question.relevant else None


def _right(held: Sequence[bool | None]) -> bool | None:
    if None in held:
        return None
    return any(held)


def _ranked(outcomes: Sequence[Outcome], oracle: bool) -> list[Outcome]:
    """The outcomes with the figures of retrieval, which an oracle leaves unknown."""
    if oracle:
        return list(outcomes)
    judged = {o.question.id: o.relevant for o in outcomes if o.relevant}
    rankings = {o.question.id: [each.id for each in o.found] for o in outcomes}
    figures = metrics.retrieval(rankings, judged)
    return [replace(o, figures={**o.figures, **figures.get(o.question.id, {})}) for o in outcomes]
