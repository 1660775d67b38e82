"""The categories of files."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from credits.forges.file_categories import CATEGORIES, Category, classify

TABLE: dict[Category, str] = {
    "code": """
        lmdeploy/serve/openai/api_client.py src/turbomind/kernels/gemm.cu cn/hutool/core/lang/Assert.java
        src/latest.py lib/contest.js attest.go src/protest/Main.java scripts/run.sh index.html app.vue
        security.go history.ts hutool-core/src/main/java/cn/hutool/core/util/StrUtil.java lib/translate.py
        official/cv/resnet/train.py notebooks/demo.ipynb
    """,
    "tests": """
        tests/test_lmdeploy/test_model.py conftest.py pkg/server_test.go src/app.spec.ts src/App.test.tsx
        hutool-core/src/test/java/cn/hutool/core/util/StrUtilTest.java UserServiceIT.java TestRunner.java
        testdata/input.json spec/models/user_spec.rb tests/README.md tests/data/cat.png __mocks__/fs.js
    """,
    "docs": """
        README.md docs/en/index.rst LICENSE CHANGELOG.md doc/design.odt notes.txt resources/logo.png
        docs/conf.py CONTRIBUTING.adoc AUTHORS
    """,
    "translation": """
        locale/zh_Hans/LC_MESSAGES/django.po po/de.po src/i18n/zh-CN.json README_zh-CN.md README.en.md
        res/values-zh-rCN/strings.xml app/zh-Hans.lproj/Localizable.strings lang/messages_de.properties
        src/locales/fr.ts Resource.resx
    """,
    "configuration": """
        .github/workflows/ci.yml Dockerfile docker/Dockerfile.cuda pyproject.toml setup.py pom.xml .gitignore
        requirements.txt requirements/dev.txt Makefile CMakeLists.txt configs/resnet50.yaml package.json
        tsconfig.json webpack.config.js .gitee/ISSUE_TEMPLATE.yml go.mod
    """,
    "generated": """
        package-lock.json poetry.lock go.sum static/app.min.js dist/bundle.js vendor/github.com/x/y.go
        api/user_pb2.py api/user_pb2_grpc.py api/user.pb.go lib/model.g.dart zz_generated.deepcopy.go
        tests/__snapshots__/App.test.js.snap node_modules/a/index.js static/app.js.map third_party/zlib/a.c
        requirements.lock gradlew docs/vendor/jquery.js
    """,
}


@pytest.mark.parametrize(
    ("path", "category"), [(path, category) for category, paths in TABLE.items() for path in paths.split()]
)
def test_well_known_paths(path: str, category: Category) -> None:
    """Paths of real projects get the category that a reviewer would choose."""
    assert classify(path) == category


@given(st.text())
@example("")
@example("/")
@example("a//b\\c")
@example("...")
def test_every_path_has_exactly_one_category(path: str) -> None:
    """Every path, also a strange one, gets a category without an error."""
    assert classify(path) in CATEGORIES


@given(
    st.sampled_from([path for paths in TABLE.values() for path in paths.split()]), st.text("abxy", min_size=1)
)
def test_what_is_generated_stays_so_wherever_it_lies(path: str, folder: str) -> None:
    """Everything in a vendored folder is generated, and a plain parent folder does not change this."""
    assert classify(f"vendor/{path}") == "generated"
    if classify(path) == "generated":
        assert classify(f"{folder}/{path}") == "generated"


@given(st.sampled_from([path for paths in TABLE.values() for path in paths.split()]))
def test_separators_do_not_matter(path: str) -> None:
    """A leading dot-slash, doubled or Windows separators give the same category."""
    for written in (f"./{path}", path.replace("/", "//"), path.replace("/", "\\")):
        assert classify(written) == classify(path)
