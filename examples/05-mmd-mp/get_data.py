#!/usr/bin/env python3
"""Rebuilds the texts of this example from their public origin and checks them by SHA-256.

    python3 examples/05-mmd-mp/get_data.py [--to FOLDER] [--fast-detect-gpt CLONE] [--mmd-mp CLONE]

human.jsonl, machine.jsonl: the raw data of baoguangsheng/fast-detect-gpt, every human text once, machine texts by its number.
TruthfulQA_chatgpt.csv, SQuAD1_chatgpt.csv: ZSHsh98/MMD-MP, unchanged.
Without clones of the two repositories, they are cloned with git (700 MB). Default folder: $DISPAR_DATA_DIR/text-human-machine, or
~/.cache/dispar/text-human-machine. Both repositories are under the MIT licence; the human texts keep the rights of their authors
(XSum: BBC; SQuAD: Wikipedia, CC BY-SA 4.0; WritingPrompts: Reddit; PubMedQA: MIT; TruthfulQA: Apache-2.0).
"""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TEXTS = ("https://github.com/baoguangsheng/fast-detect-gpt", "971b05202bac2bb504d60c0ac0812fea7a8f7c82")
TABLES = ("https://github.com/ZSHsh98/MMD-MP", "dce686031b6acdee9a20d81c5ddb5b86ed6ce323")
GENERATORS = [("exp_main/data", ("xsum", "squad", "writing"), ("gpt2-xl", "opt-2.7b", "gpt-neo-2.7B", "gpt-j-6B", "gpt-neox-20b")),
              ("exp_gpt3to4/data", ("xsum", "writing", "pubmed"), ("davinci", "gpt-3.5-turbo", "gpt-4"))]
SUMS = {
    "human.jsonl": "10f8540ff8f087411da20b8cfba76bdea97be33c5cd8fc128bce467e01621bd6",
    "machine.jsonl": "f01dd2f1fac43db53f0b79941e4139064bd6e91a7c02861d74ca9817c4d5e7e9",
    "SQuAD1_chatgpt.csv": "1524e01190115bbbb138acfa92053b7b9534e407bb390a8e6d9844308ddc3521",
    "TruthfulQA_chatgpt.csv": "92fbf5555301c7cc8aca8bd607619cc5280304b190891c00205d7bbc042837df",
}


def default_folder():
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "dispar"
    return pathlib.Path(os.environ.get("DISPAR_DATA_DIR") or cache) / "text-human-machine"


def clone(origin, given, temporary):
    """A function that gives the bytes of a file at the wanted commit."""
    address, commit = origin
    folder = given
    if folder is None:
        folder = pathlib.Path(temporary) / address.rsplit("/", 1)[1]
        subprocess.run(["git", "clone", "--quiet", "--no-checkout", address, str(folder)], check=True)

    def read(path):
        return subprocess.run(["git", "-C", str(folder), "show", f"{commit}:{path}"], check=True, capture_output=True).stdout

    return read


def json_lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def texts(read):
    human, machine, number = [], [], {}
    for folder, domains, models in GENERATORS:
        for domain in domains:
            for model in models:
                data = json.loads(read(f"{folder}/{domain}_{model}.raw_data.json"))
                for original, sampled in zip(data["original"], data["sampled"]):
                    if original not in number:
                        number[original] = len(human)
                        human.append({"id": len(human), "domain": domain, "text": original})
                    machine.append({"human_id": number[original], "domain": domain, "model": model, "text": sampled})
    return json_lines(human), json_lines(machine)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=pathlib.Path, default=default_folder())
    parser.add_argument("--fast-detect-gpt", type=pathlib.Path)
    parser.add_argument("--mmd-mp", type=pathlib.Path)
    o = parser.parse_args()
    temporary = tempfile.mkdtemp()
    try:
        human, machine = texts(clone(TEXTS, o.fast_detect_gpt, temporary))
        files = {"human.jsonl": human, "machine.jsonl": machine}
        tables = clone(TABLES, o.mmd_mp, temporary)
        for name in ("SQuAD1_chatgpt.csv", "TruthfulQA_chatgpt.csv"):
            files[name] = tables(f"MGTBenchold/datasets/{name}")
        o.to.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            found = hashlib.sha256(content).hexdigest()
            if found != SUMS[name]:
                sys.exit(f"{name}: SHA-256 {found}, wanted is {SUMS[name]}")
            (o.to / name).write_bytes(content)
            print(f"{o.to / name}: {len(content)} bytes, as expected")
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


if __name__ == "__main__":
    main()
