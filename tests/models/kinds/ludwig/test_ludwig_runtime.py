import subprocess
import sys

import pytest

SCRIPT = """
import logging, threading, warnings, yaml
from my_dagster_project.models.kinds.ludwig.ludwig_runtime import import_ludwig, ludwig_session
before = (yaml.safe_load, list(logging.getLogger().handlers), logging.getLogger().level, list(warnings.filters))
threads = [threading.Thread(target=import_ludwig) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
import_ludwig()
after = (yaml.safe_load, list(logging.getLogger().handlers), logging.getLogger().level, list(warnings.filters))
assert before == after, (before, after)
import torch
torch.set_num_threads(2)
with ludwig_session():
    assert torch.get_num_threads() == 1
    with ludwig_session():
        pass
assert torch.get_num_threads() == 2
"""


@pytest.mark.full
def test_importing_ludwig_leaves_the_process_as_it_was_and_is_safe_from_several_threads():
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""


def test_our_own_modules_import_nothing_heavy():
    script = (
        "import sys\n"
        "import my_dagster_project.models.kinds.ludwig.ludwig_training, my_dagster_project.models.tracking\n"
        "import my_dagster_project.models.parity, my_dagster_project.models.prediction\n"
        "heavy = {'ludwig', 'torch', 'mlflow', 'pandas', 'numpy', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
