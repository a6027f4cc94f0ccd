"""Runs the explorers' own computations in Node, so that a test can hold them to Python's numbers."""

import json
import subprocess
import sys
from pathlib import Path

MODEL = Path(__file__).resolve().parents[1] / "ltcbook" / "widgets" / "static" / "model"
NODE = Path(sys.executable).parent / "node"


def run(modules, body, data, tmp_path):
    """What the function body, given ``data`` and the named modules' exports, returns: JSON both ways.

    modules: {name in the body: file in the folder of models}.
    """
    imports = "\n".join(
        f"import * as {name} from {json.dumps((MODEL / file).as_uri())};" for name, file in modules.items()
    )
    script, given = tmp_path / "run.mjs", tmp_path / "given.json"
    given.write_text(json.dumps(data), "utf8")
    script.write_text(
        f"""import {{ readFileSync }} from "node:fs";
{imports}
const data = JSON.parse(readFileSync({json.dumps(str(given))}, "utf8"));
const answer = ((data) => {{ {body} }})(data);
process.stdout.write(JSON.stringify(answer));
""",
        "utf8",
    )
    done = subprocess.run([str(NODE), str(script)], capture_output=True, encoding="utf8", check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
