"""Reading question sets, counting, and judging real answers about real texts."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import DATA, SEEDS, run

from chatbot.answers import Turn
from chatbot.config import Settings
from chatbot.errors import DatasetError
from chatbot.evaluation import metrics
from chatbot.evaluation.compare import differences
from chatbot.evaluation.corpus import open_corpus
from chatbot.evaluation.datasets import read_dataset
from chatbot.evaluation.result import FIGURES
from chatbot.evaluation.testing import assert_figures, evaluated  # noqa: F401

HARBOUR = "The harbour was rebuilt in 1921 after the great storm. Fishermen paid for half of it."
GARDEN = "The garden has forty kinds of roses. Visitors may pick one flower each in June."
SQUAD = {
    "data": [
        {
            "title": "Harbour",
            "paragraphs": [
                {
                    "context": HARBOUR,
                    "qas": [
                        {"id": "h1", "question": "When was the harbour rebuilt?", "answers": [{"text": "1921", "answer_start": 27}]},
                        {"id": "h2", "question": "Who painted the harbour?", "answers": [], "is_impossible": True},
                    ],
                },
                {"context": GARDEN, "qas": [{"id": "g1", "question": "How many kinds of roses are there?", "answers": [{"text": "forty", "answer_start": 15}]}]},
            ],
        }
    ]
}
GOLD = [
    {"id": "a", "question": "When was the harbour rebuilt?", "evidence": ["rebuilt in 1921"], "answers": ["1921"]},
    {"id": "b", "question": "And who paid?", "history": [["When was the harbour rebuilt?", "In 1921."]], "evidence": ["Fishermen paid"]},
    {"id": "c", "question": "What is the boiling point of mercury?", "answerable": False, "kind": "off-topic"},
]


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "harbour.txt").write_text(HARBOUR)
    (folder / "garden.txt").write_text(GARDEN)
    return folder


def jsonl(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def squad(tmp_path):
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(SQUAD))
    return path


@pytest.fixture
def gold(tmp_path):
    return jsonl(tmp_path / "gold.jsonl", GOLD)


@pytest.fixture
def beir(tmp_path):
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    jsonl(folder / "corpus.jsonl", [{"_id": "h", "title": "Harbour", "text": HARBOUR}, {"_id": "g", "text": GARDEN}])
    jsonl(folder / "queries.jsonl", [{"_id": "q1", "text": "rebuilding the harbour"}, {"_id": "q2", "text": "roses"}])
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\th\t2\nq1\tg\t0\nq2\tg\t1\n")
    return folder


@pytest.fixture
def mtrag(tmp_path):
    passages = jsonl(tmp_path / "passages.jsonl", [{"id": "h", "title": "", "text": HARBOUR}, {"id": "g", "title": "Garden", "text": GARDEN}])
    turns = [{"role": "user", "content": "Tell me of the harbour"}, {"role": "assistant", "content": HARBOUR}]
    lines = [
        {"id": "1", "history": turns, "question": "Who paid for it?", "relevant": ["h"], "answerability": "ANSWERABLE", "reference": "Fishermen paid half."},
        {"id": "2", "history": [], "question": "And the opera?", "relevant": [], "answerability": ["UNANSWERABLE"], "reference": "unknown"},
    ]
    return jsonl(tmp_path / "turns.jsonl", lines), passages


def evaluate(cwd, *words, **more):
    return run("evaluate", *words, cwd=cwd, **more, env={"ASK_ARTICLE_CACHE": str(cwd / "cache")})


# Reading


def test_squad_is_read(squad):
    dataset = read_dataset(squad)
    assert [article.title for article in dataset.corpus] == ["Harbour", "Harbour"]
    assert [q.answerable for q in dataset.questions] == [True, False, True]
    assert dataset.questions[0].relevant == {"Harbour/0": 1}
    assert dataset.questions[1].relevant == {}
    assert dataset.questions[1].gold_article == "Harbour/0"


def test_beir_is_read_with_grades(beir):
    dataset = read_dataset(beir)
    assert {q.id: dict(q.relevant) for q in dataset.questions} == {"q1": {"h": 2}, "q2": {"g": 1}}


def test_conversations_are_read(mtrag):
    dataset = read_dataset(mtrag[0], None, mtrag[1])
    first, second = dataset.questions
    assert first.history[0].question == "Tell me of the harbour"
    assert first.history[0].answer == HARBOUR
    assert (first.answerable, second.answerable) == (True, False)


MALFORMED = {
    "no-json": ('{"question": "a?"', "line 2: expected one JSON object a line"),
    "list": ("[1]", "line 2: expected a JSON object"),
    "no-question": ('{"evidence": ["x"]}', "line 2: the field 'question' is missing"),
    "blank-question": ('{"question": " ", "evidence": ["x"]}', "line 2: question: expected a text that is not blank"),
    "history": ('{"question": "a?", "history": [["only one"]], "evidence": ["x"]}', "line 2: the field 'history[0][1]' is missing"),
    "no-evidence": ('{"question": "a?"}', "line 2: an answerable question needs evidence"),
    "both": ('{"question": "a?", "answerable": false, "evidence": ["x"]}', "line 2: not answerable, and yet"),
    "twice": ('{"id": "1", "question": "a?", "evidence": ["x"]}\n{"id": "1", "question": "b?", "evidence": ["x"]}', "line 3: the id '1' stands twice, in line 2 too"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_line_is_named(tmp_path, name):
    line, expected = MALFORMED[name]
    path = tmp_path / "gold.jsonl"
    path.write_text("\n" + line + "\n")
    with pytest.raises(DatasetError) as caught:
        read_dataset(path)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_turn_may_be_written_as_it_is_asked(tmp_path):
    turns = [["a?", "b"], {"question": "a?", "answer": "b"}]
    path = jsonl(tmp_path / "gold.jsonl", [{"question": "c?", "history": [turn], "evidence": ["x"]} for turn in turns])
    first, second = read_dataset(path).questions
    assert first.history == second.history == (Turn("a?", "b"),)


def test_a_text_that_stands_twice_is_named(beir, mtrag):
    for path, identity in ((beir / "corpus.jsonl", "_id"), (mtrag[1], "id")):
        path.write_text(path.read_text() + json.dumps({identity: "h", "text": "another"}) + "\n")
    with pytest.raises(DatasetError, match=r"corpus.jsonl, line 3: the id 'h' is already that of line 1"):
        read_dataset(beir)
    with pytest.raises(DatasetError, match=r"passages.jsonl, line 3: the id 'h' is already that of line 1"):
        read_dataset(mtrag[0], None, mtrag[1])


def test_other_broken_sets_are_named(tmp_path, squad, beir, mtrag):
    with pytest.raises(DatasetError, match="no such file"):
        read_dataset(tmp_path / "nope.json")
    with pytest.raises(DatasetError, match="need their passages: --passages"):
        read_dataset(mtrag[0])
    with pytest.raises(DatasetError, match="goes with the format mtrag"):
        read_dataset(squad, None, mtrag[1])
    with pytest.raises(DatasetError, match="unknown format"):
        read_dataset(squad, "csv")
    (beir / "qrels" / "test.tsv").write_text("q1\th\tgood\n")
    with pytest.raises(DatasetError, match=r"test.tsv, line 1: expected query-id"):
        read_dataset(beir)
    squad.write_text('{"data": [{"title": "x", "paragraphs": [{"qas": []}]}]}')
    with pytest.raises(DatasetError, match=r"data\[0\].paragraphs\[0\].context"):
        read_dataset(squad)
    asked = {"id": "q", "question": "Who?", "is_impossible": True, "answers": [{"text": "x", "answer_start": 0}]}
    squad.write_text(json.dumps({"data": [{"title": "x", "paragraphs": [{"context": "x", "qas": [asked]}]}]}))
    with pytest.raises(DatasetError, match="'q' is impossible, and yet has answers"):
        read_dataset(squad)
    squad.write_text(squad.read_text().replace("true", "false").replace('[{"text": "x", "answer_start": 0}]', "[]"))
    with pytest.raises(DatasetError, match="'q' has no answers"):
        read_dataset(squad)
    mtrag[0].write_text('{"question": "a?", "answerability": "MAYBE"}')
    with pytest.raises(DatasetError, match=r"turns.jsonl, line 1: answerability: expected one of ANSWERABLE, .* not 'MAYBE'"):
        read_dataset(mtrag[0], None, mtrag[1])
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    with pytest.raises(DatasetError, match="no question in it"):
        read_dataset(empty)


# Counting


def test_retrieval_figures_by_hand():
    rankings = {"a": ["x", "right"], "b": ["right"], "c": []}
    relevant = {name: {"right": 1} for name in rankings}
    figures = metrics.retrieval(rankings, relevant)
    assert figures["a"]["rr@10"] == 0.5
    assert figures["a"]["success@1"] == 0
    assert figures["a"]["success@3"] == 1
    assert figures["a"]["ndcg@5"] == pytest.approx(1 / np.log2(3))
    assert figures["b"]["success@1"] == figures["b"]["recall@5"] == 1
    assert set(figures["c"].values()) == {0.0}, "a question without hits counts 0"


def test_answers_are_compared_as_squad_does():
    assert metrics.exact_match("The  Eiffel Tower!", ["eiffel tower"]) == 1
    assert metrics.token_f1("in the year 1921", ["1921"]) == pytest.approx(2 * 1 / (3 + 1))
    assert metrics.token_f1("nothing", ["1921", "storm"]) == 0


def test_abstention_by_hand():
    confidences = np.array([0.9, 0.8, 0.3, 0.2])
    labels = np.array([True, True, True, False])
    figures = metrics.abstention(confidences, confidences >= 0.5, labels)
    assert figures["precision"] == 0.5
    assert figures["recall"] == 1
    assert figures["f1"] == pytest.approx(2 / 3)
    assert figures["auroc"] == 1
    assert figures["false_answer_rate"] == 0
    assert figures["false_refusal_rate"] == pytest.approx(1 / 3)
    only = metrics.abstention(confidences, confidences >= 0.5, np.ones(4, bool))
    assert only["auroc"] is None
    assert only["false_answer_rate"] is None


def test_calibration_and_risk():
    even = np.linspace(0.05, 0.95, 1000)
    drawn = np.random.default_rng(1).random(1000) < even
    assert metrics.calibration_error(even, drawn) < 0.06
    assert metrics.calibration_error(even, ~drawn) > 0.3
    curve = metrics.risk_coverage(np.array([0.9, 0.8, 0.2, 0.1]), np.array([False, False, True, True]))
    assert curve[-1] == (1.0, 0.5)
    assert curve[0][1] == 0


def test_an_interval_covers_and_narrows():
    few = metrics.mean_interval([0.0, 1.0] * 20)
    many = metrics.mean_interval([0.0, 1.0] * 500)
    assert few[0] < 0.5 < few[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert metrics.mean_interval([None]) is None


# Running


def test_our_own_lines_are_judged_by_quotes(tmp_path, gold, texts):
    done = evaluate(tmp_path, gold, texts, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    keys = ["dataset", "questions", *FIGURES, "intervals", "risk_coverage", "kinds", "oracle", "about", "per_question"]
    assert sorted(result) == sorted(keys)
    assert result["questions"] == 3
    assert result["retrieval"]["success@1"] == 1
    assert result["answers"]["any_sentence"] == 1
    assert result["citations"] == {"verbatim": 1.0, "evidence_precision": result["citations"]["evidence_precision"]}
    assert result["abstention"]["false_answer_rate"] == 0
    assert result["follow_ups"]["success@1"] == 1
    assert result["intervals"]["retrieval.success@1"] == [1, 1]
    assert [row["id"] for row in result["per_question"]] == ["a", "b", "c"]
    figures = {f"{group}.{name}" for group in FIGURES for name in FIGURES[group]}
    assert figures == set(result["intervals"]), "every figure has its interval"
    low, high = result["intervals"]["latency_ms.p50"]
    assert 0 < low <= result["latency_ms"]["p50"] <= high


def test_evidence_that_is_not_there_stops_before_anything_is_asked(tmp_path, texts):
    path = jsonl(tmp_path / "gold.jsonl", [GOLD[0], {"id": "z", "question": "Why?", "evidence": ["words that are nowhere"]}])
    done = evaluate(tmp_path, path, texts)
    assert done.returncode == 2
    assert "line 2, question 'z'" in done.stderr
    assert "stands in no indexed article" in done.stderr
    assert done.stdout == ""


def test_an_article_that_is_not_indexed_is_named(tmp_path, texts):
    path = jsonl(tmp_path / "gold.jsonl", [{**GOLD[0], "article": "nope.txt"}])
    done = evaluate(tmp_path, path, texts)
    assert done.returncode == 2
    assert "the article 'nope.txt' is not indexed; indexed: garden.txt, harbour.txt" in done.stderr


def test_a_corpus_is_indexed_once_and_old_ones_are_forgotten(tmp_path, squad, monkeypatch):
    settings = Settings(cache=tmp_path)
    dataset = read_dataset(squad)
    open_corpus(dataset.corpus, settings).close()
    (folder,) = (tmp_path / "corpora").iterdir()
    with monkeypatch.context() as patched:
        patched.setattr("chatbot.evaluation.corpus.add", lambda *_, **__: pytest.fail("indexed again"))
        open_corpus(dataset.corpus, settings).close()
    monkeypatch.setattr("chatbot.evaluation.corpus.KEPT", 1)
    open_corpus(dataset.corpus[:1], settings).close()
    (other,) = (tmp_path / "corpora").iterdir()
    assert other != folder


def test_an_oracle_hands_over_the_gold_passage(tmp_path, squad):
    result = json.loads(evaluate(tmp_path, squad, "--oracle", "--threshold", "0", "--json").stdout)
    assert result["oracle"] is True
    assert set(result["retrieval"].values()) == {None}
    assert result["answers"]["any_sentence"] == 1
    painted = next(row for row in result["per_question"] if row["id"] == "h2")
    assert painted["sentences"], "even the unanswerable one gets the passage that it was written about"
    assert all(sentence in HARBOUR for sentence in painted["sentences"])


def test_conversations_and_beir_run(tmp_path, mtrag, beir):
    result = json.loads(evaluate(tmp_path, mtrag[0], "--passages", mtrag[1], "--json").stdout)
    assert result["follow_ups"]["success@1"] == 1
    assert result["answers"]["first_sentence"] is None, "no phrase is known, so the figure is not"
    assert result["answers"]["f1"] > 0
    assert result["risk_coverage"] == []
    result = json.loads(evaluate(tmp_path, beir, "--json").stdout)
    assert result["retrieval"]["ndcg@10"] == 1


def test_requirements_decide_the_exit_code(tmp_path, gold, texts):
    good = evaluate(tmp_path, gold, texts, "--require", "success@1=0.9", "--require", "false_answer_rate=0.1")
    assert good.returncode == 0, good.stderr
    bad = evaluate(tmp_path, gold, texts, "--require", "p95=0.0001", "--junit", "out.xml")
    assert bad.returncode == 4
    assert "missed: p95 is" in bad.stderr
    suites = {suite.get("name"): suite for suite in ElementTree.parse(tmp_path / "out.xml").getroot()}
    assert suites["requirements"].get("failures") == "1"
    assert suites["questions"].get("tests") == "3"


@pytest.mark.parametrize("text", ["success@1", "success@1=high", "nope=1", "abstention.success@1=1"])
def test_a_requirement_that_cannot_be_is_wrong_use(tmp_path, text):
    done = evaluate(tmp_path, "anything.json", "--require", text)
    assert done.returncode == 2
    assert f"--require '{text}'" in done.stderr


def test_a_figure_that_the_set_cannot_give_is_missed(tmp_path, beir):
    done = evaluate(tmp_path, beir, "--require", "auroc=0.5")
    assert done.returncode == 4
    assert "this data set cannot give it" in done.stderr


def test_the_report_is_one_page_that_needs_nothing_else(tmp_path, squad):
    done = evaluate(tmp_path, squad, "--threshold", "0", "--report", "out.html")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out.html").read_text()
    assert "Who painted the harbour?" in page
    assert "answered, though left open" in page.lower()
    for outside in ("http://", "https://", "src=", "@import", "<script", "<link"):
        assert outside not in page, outside
    assert evaluate(tmp_path, squad, "--report", "no/such/out.html").returncode == 2


def test_a_text_cannot_break_out_of_the_report(tmp_path):
    evil = '<script>alert(1)</script> & "quotes"'
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "evil.txt").write_text(f"The {evil} harbour was rebuilt in 1921. Fishermen paid for it.")
    path = jsonl(tmp_path / "gold.jsonl", [{"id": evil, "question": f"Who is {evil}?", "answerable": False, "kind": evil}])
    done = evaluate(tmp_path, path, folder, "--threshold", "0", "--report", "out.html", "--junit", "out.xml")
    assert done.returncode == 0, done.stderr
    assert "<script" not in (tmp_path / "out.html").read_text()
    ElementTree.parse(tmp_path / "out.xml")


def test_compare_says_what_was_won_and_lost(tmp_path, gold, texts):
    better = evaluate(tmp_path, gold, texts, "--json").stdout
    (tmp_path / "a.json").write_text(better)
    worse = json.loads(better)
    worse["per_question"][0]["figures"]["success@1"] = 0.0
    (tmp_path / "b.json").write_text(json.dumps(worse))
    done = run("compare", "a.json", "b.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "success@1 lost: a" in done.stdout
    assert "the 3 that both have" in done.stdout
    found = json.loads(run("compare", "a.json", "b.json", "--json", cwd=tmp_path).stdout)
    row = next(row for row in found if row["name"] == "success@1")
    assert (row["a"], row["b"], row["lost"], row["won"]) == (1.0, 0.5, ["a"], [])
    # Two ways to cut the texts can be compared.
    worse["per_question"][0]["gold"]["relevant"] = {"texts/harbour.txt:0-10": 1}
    (tmp_path / "c.json").write_text(json.dumps(worse))
    assert run("compare", "a.json", "c.json", cwd=tmp_path).returncode == 0
    text, number = json.loads(better), json.loads(better)
    text["per_question"][0]["figures"]["success@1"] = "good"
    number["per_question"][0]["question"] = "Is it another question?"
    for other, said in (({}, "not a result of"), (text, "not a result of"), (number, "'a' has another question in B than in A")):
        (tmp_path / "c.json").write_text(json.dumps(other))
        done = run("compare", "a.json", "c.json", cwd=tmp_path)
        assert done.returncode == 2
        assert said in " ".join(done.stderr.split())


def test_chance_is_told_from_a_difference():
    def result(wins):
        rows = [{"id": n, "state": "answered", "answerable": True, "figures": {"success@1": float(n in wins)}} for n in range(100)]
        return {"per_question": rows}

    (sure, _) = differences(result(range(40)), result(range(70)))
    assert sure.significant
    assert sure.low > 0
    (unsure, _) = differences(result([1, 2, 3]), result([2, 3, 4, 5]))
    assert not unsure.significant


def test_auto_needs_no_labels_and_says_what_it_is(tmp_path):
    done = evaluate(tmp_path, "--auto", SEEDS, "--json")
    assert done.returncode == 0, done.stderr
    assert "smoke test, not a benchmark" in done.stderr
    result = json.loads(done.stdout)
    assert result["kinds"]["made"]["questions"] >= 10
    assert result["kinds"]["off-topic"]["questions"] >= 10
    assert result["answers"]["any_sentence"] > 0.7
    assert result["abstention"]["false_answer_rate"] < 0.3


def test_wrong_use_is_told(tmp_path, squad, texts):
    for words, reason in [
        ([], "name a data set"),
        ([squad, texts], "brings its own texts"),
        ([squad, "--auto", texts], "leave the data set out"),
        ([squad, "--limit", "0"], "Invalid value for '--limit'"),
    ]:
        done = evaluate(tmp_path, *words)
        assert done.returncode == 2, words
        assert reason in done.stderr


def test_the_names_of_figures_are_never_cut(tmp_path, gold, texts):
    (tmp_path / "folder").mkdir()
    done = evaluate(tmp_path, gold, texts, "--report", "folder")
    assert done.returncode == 2
    assert "this is a folder" in done.stderr
    done = evaluate(tmp_path, gold, texts)
    assert done.returncode == 0, done.stderr
    for name in ("success@1", "recall@5", "any_sentence", "false_answer_rate", "false_refusal_rate", "Finding the passage"):
        assert any(line.strip().startswith(name) for line in done.stdout.splitlines()), name


def test_a_limit_draws_the_same_questions(tmp_path, squad):
    once, again = (json.loads(evaluate(tmp_path, squad, "--limit", "2", "--json").stdout) for _ in range(2))
    assert once["questions"] == 2
    assert [row["id"] for row in once["per_question"]] == [row["id"] for row in again["per_question"]]


def test_an_index_can_be_asked(tmp_path, gold, texts):
    run("index", "add", texts, "--index", "ix", cwd=tmp_path)
    result = json.loads(evaluate(tmp_path, gold, "--index", "ix", "--json").stdout)
    assert result["retrieval"]["success@1"] == 1
    done = evaluate(tmp_path, gold, "--index", "empty")
    assert done.returncode == 1
    assert "nothing is indexed there" in done.stderr


# As a user's own suite


def test_the_fixture_and_the_assertion(evaluated, gold, texts):  # noqa: F811
    result = evaluated(gold, texts)
    assert_figures(result, "success@1=1", "false_answer_rate=0")
    with pytest.raises(AssertionError, match=r"recall@5 is 1.000; required at least 1.5"):
        assert_figures(result, "recall@5=1.5")


# Real sets


@pytest.mark.datasets
def test_xquad_stays_as_good_as_it_is(evaluated):  # noqa: F811
    result = evaluated(Path(DATA) / "xquad-en-dev.json")
    assert_figures(result, "success@1=0.96", "first_sentence=0.79", "any_sentence=0.905", "verbatim=1", "false_refusal_rate=0.05")
