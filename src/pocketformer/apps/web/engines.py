"""The engines a web app may run on: their npm packages, pinned, and the files that are taken from them."""

from __future__ import annotations

from dataclasses import dataclass

from pocketformer.errors import RecipeError

__all__ = ["ENGINES", "Engine", "Package", "engine_named"]


@dataclass(frozen=True, slots=True)
class Package:
    """One npm package, at one version.

    Attributes:
        name: As npm knows it.
        version: Exact.
        integrity: npm's own digest of the package file, "sha512-" and base64.
        files: Path in the package → name in the app's folder `engine/`.
        imports: Bare names in its modules → the file beside them. A web worker knows no import map.
    """

    name: str
    version: str
    integrity: str
    files: dict[str, str]
    imports: dict[str, str]

    @property
    def file_name(self) -> str:
        """What `npm pack` calls the package file."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"


@dataclass(frozen=True, slots=True)
class Engine:
    """A runtime of model files in the browser.

    Attributes:
        name: As a person asks for it.
        title: As it is called.
        format: Of the model files it runs.
        licence: Its licence's name; the text is `licence_file` among the templates.
        packages: What it is made of.
        wasm: The files of which a browser downloads one, the usual one first.
        loader: The module files that are downloaded always.
    """

    name: str
    title: str
    format: str
    licence: str
    licence_file: str
    packages: tuple[Package, ...]
    wasm: tuple[tuple[str, ...], ...]
    loader: tuple[str, ...]

    @property
    def version(self) -> str:
        """Version of its main package."""
        return self.packages[0].version


#: The one place for versions and digests. A new version: change it, its integrity (`npm view NAME@VERSION
#: dist.integrity`) and run `pytest -m slow tests/apps/web`.
ENGINES = {
    "litert": Engine(
        name="litert",
        title="LiteRT.js",
        format="litert",
        licence="Apache License 2.0",
        licence_file="LICENSE-Apache-2.0.txt",
        packages=(
            Package(
                "@litertjs/core",
                "2.5.3",
                "sha512-PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
                {
                    "dist/index.js": "litert.js",
                    "wasm/litert_wasm_internal.js": "litert_wasm_internal.js",
                    "wasm/litert_wasm_internal.wasm": "litert_wasm_internal.wasm",
                    "wasm/litert_wasm_compat_internal.js": "litert_wasm_compat_internal.js",
                    "wasm/litert_wasm_compat_internal.wasm": "litert_wasm_compat_internal.wasm",
                },
                {"@litertjs/wasm-utils": "./wasm-utils.js"},
            ),
            Package(
                "@litertjs/wasm-utils",
                "2.5.3",
                "sha512-4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ==",
                {"dist/index.js": "wasm-utils.js"},
                {},
            ),
        ),
        wasm=(
            ("litert_wasm_internal.js", "litert_wasm_internal.wasm"),
            ("litert_wasm_compat_internal.js", "litert_wasm_compat_internal.wasm"),
        ),
        loader=("litert.js", "wasm-utils.js"),
    ),
    "onnx": Engine(
        name="onnx",
        title="ONNX Runtime Web",
        format="onnx",
        licence="MIT License",
        licence_file="LICENSE-MIT.txt",
        packages=(
            Package(
                "onnxruntime-web",
                "1.30.0",
                "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
                {
                    "dist/ort.wasm.min.mjs": "ort.wasm.min.mjs",
                    "dist/ort-wasm-simd-threaded.mjs": "ort-wasm-simd-threaded.mjs",
                    "dist/ort-wasm-simd-threaded.wasm": "ort-wasm-simd-threaded.wasm",
                },
                {},
            ),
        ),
        wasm=(("ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"),),
        loader=("ort.wasm.min.mjs",),
    ),
}


def engine_named(name: str) -> Engine:
    """Return an engine by its name.

    Raises:
        RecipeError: There is none of that name.
    """
    if name not in ENGINES:
        raise RecipeError(f"There is no engine {name!r} for the web; there are {' and '.join(ENGINES)}.")
    return ENGINES[name]
