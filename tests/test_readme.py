"""What README and CONTRIBUTING promise, executed as it stands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def python_blocks(text):
    return re.findall(r"```python\n(.*?)```", text, flags=re.S)


@pytest.mark.tensorflow
def test_the_ten_lines_run(tmp_path, monkeypatch):
    (code,) = python_blocks(README)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    assert "model.fit(images, labels, epochs=20)" in code
    code = code.replace("model.fit(images, labels, epochs=20)", "model.fit(images[:128], labels[:128])")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["boots"].shape == (16, 32, 32, 1) and names["boots"].dtype == "float32"
    assert (tmp_path / "clothes.keras").exists()
    assert (tmp_path / "clothes_saved_model" / "saved_model.pb").exists()


def test_first_screen():
    first = README[: README.index("## Install")]
    assert len(first.splitlines()) <= 40
    for wanted in ("make demo", "make test", "docs/demo.png", "```python"):
        assert wanted in first


def test_paths_and_modules_exist():
    for path in re.findall(r'\]\(([^)#]+)\)|src="([^"]+)"', README):
        assert (ROOT / (path[0] or path[1])).exists(), path
    for module in re.findall(r"python -m (benchmarks[.\w]*)", README.replace("\n", " ")):
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module


def test_shell_lines_of_the_readme_parse():
    from kerasgan.commands.main import command_parser

    lines = re.findall(r"^kerasgan (.*?)(?:\s+#.*)?$", README, flags=re.M)
    assert len(lines) >= 5
    for line in lines:
        command_parser().parse_args(line.split())


def test_lines_that_resume_a_run_have_its_settings():
    from kerasgan.commands.main import command_parser

    settings = {}
    for line in re.findall(r"^kerasgan (train .*?)(?:\s+#.*)?$", README, flags=re.M):
        asked = command_parser().parse_args(line.split())
        if asked.out:
            told = (asked.family, asked.data, asked.labels, asked.set)
            assert settings.setdefault(asked.out, told) == told, line
    assert settings


def test_the_table_of_the_zoo_is_that_of_the_presets():
    """`kerasgan zoo list --markdown` writes it."""
    from kerasgan.commands.zoo import markdown

    table = README[README.index("<!-- zoo -->") + len("<!-- zoo -->") : README.index("<!-- /zoo -->")]
    assert table.strip() == markdown()
