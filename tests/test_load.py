import pytest
from conftest import SEED

from index.errors import SourceError
from index.load import discover, parse, read_bytes

BODY = "The harbour was rebuilt in 1921 after the great storm. Fishermen paid for half of it."
HTML = f"""<!doctype html><html><head><title>The harbour</title>
<link rel="canonical" href="https://example.org/harbour"></head><body><nav>Home | About | Contact</nav>
<article><h1>The harbour</h1><p>{BODY}</p><p>{"A second paragraph tells of the lighthouse. " * 6}</p></article>
<footer>© nobody</footer></body></html>"""


def pdf_bytes(text):
    """A small PDF with one line of text on each of its pages, written by hand."""
    stream = "BT /F1 12 Tf 40 700 Td 14 TL " + " ".join(f"({line}) Tj T*" for line in text) + " ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    start = len(out)
    out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    return out + f"trailer << /Size {len(places) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF".encode()


def load(path):
    (file,), problems = discover([path])
    assert not problems
    return parse(file, read_bytes(file))


FORMATS = {
    "harbour.txt": BODY.encode(),
    "harbour.md": f"---\ntitle: The harbour\nurl: https://example.org/harbour\n---\n# Other\n\n{BODY}\n".encode(),
    "harbour.html": HTML.encode(),
    "harbour.pdf": pdf_bytes(["The harbour was rebuilt in 1921 after the great", "storm. Fishermen paid for half of it."]),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_an_article(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(FORMATS[name])
    article = load(path)
    assert "rebuilt in 1921 after the great storm" in " ".join(article.text.split())
    assert "Home | About" not in article.text
    assert article.title.casefold() in ("harbour", "the harbour")
    expected = "https://example.org/harbour" if name.endswith(("md", "html")) else name
    assert article.id == expected


def test_text_is_unchanged():
    assert load(SEED).text == SEED.read_bytes().decode("utf-8")
    assert load(SEED).title == "Japan India Alliance"


def test_text_keeps_its_line_ends(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"One line.\r\nAnother \xe9 line.\r\n")
    assert load(tmp_path / "a.txt").text == "One line.\r\nAnother é line.\r\n"


def test_markdown_is_read_as_its_reader_sees_it(tmp_path):
    source = "# Title\n\nSome **bold** words and a [link](http://x.example/).\n\n- first\n- second\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    (tmp_path / "a.md").write_text(source)
    article = load(tmp_path / "a.md")
    assert article.title == "Title"
    assert article.text == "Title\n\nSome bold words and a link.\n\nfirst\n\nsecond\n\na | b\n\n1 | 2"


def test_a_first_line_may_be_the_title(tmp_path):
    (tmp_path / "a.txt").write_text(f"The harbour of Ness\n\n{BODY}")
    assert load(tmp_path / "a.txt").title == "The harbour of Ness"


BAD = {
    "empty.txt": (b"", "empty"),
    "blank.txt": (b" \n\t\n", "empty"),
    "wordless.txt": (b"... --- ...", "no words"),
    "binary.txt": (bytes(range(256)) * 20, "not text"),
    "broken.pdf": (b"%PDF-1.4 nothing else", "cannot be read"),
    "scan.pdf": (pdf_bytes([]), "no text"),
    "bad.md": (b"---\ntitle: [\n---\ntext here", "front matter"),
    "empty.html": (b"<html><body></body></html>", "no article text"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_with_a_file_is_said(tmp_path, name):
    data, reason = BAD[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError, match=reason) as raised:
        load(tmp_path / name)
    assert name in str(raised.value)


def test_unknown_suffixes_and_missing_sources_are_named_with_what_is_accepted(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.docx").write_text("x")
    (tmp_path / "folder" / ".hidden.xyz").write_text("x")
    (tmp_path / "folder" / "b.txt").write_text(BODY)
    (tmp_path / "nothing").mkdir()
    files, problems = discover([tmp_path / "folder", tmp_path / "gone.txt", tmp_path / "nothing"])
    assert [file.name for file in files] == ["b.txt"]
    said = "\n".join(map(str, problems))
    assert ".docx" in said
    assert ".txt, .md" in said
    assert "gone.txt: no such file" in said
    assert "no articles here" in said
    assert ".hidden" not in said
