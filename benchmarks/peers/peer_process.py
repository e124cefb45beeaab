"""One side of a comparison: a process that answers one line with one line and stands still while another one runs."""

import ctypes
import json
import os
import signal
import subprocess


class PeerError(Exception):
    """The peer cannot do this: not installed, out of memory, or an error that it reported itself."""


def _end_with_parent():
    # A suspended process would outlive a killed compare.py: PR_SET_PDEATHSIG.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class PeerProcess:
    def __init__(self, command, environment, directory):
        self._errors = open(os.path.join(directory, "stderr.txt"), "w+", encoding="utf-8", errors="replace")
        try:
            self._process = subprocess.Popen(
                command,
                cwd=directory,
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                bufsize=1,
                preexec_fn=_end_with_parent,
            )
        except OSError as problem:
            self._errors.close()
            raise PeerError(f"{command[0]}: {problem.strerror}") from None

    def request(self, line):
        """Sends a line, waits for the answer, and suspends the process: idle thread pools spin, and would take the cores
        from whoever is measured next."""
        try:
            self._process.send_signal(signal.SIGCONT)
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            text = self._process.stdout.readline()
        except BrokenPipeError:
            text = ""
        if not text:
            raise PeerError(self._last_words())
        self._process.send_signal(signal.SIGSTOP)
        try:
            answer = json.loads(text)
        except ValueError:
            raise PeerError(f"not an answer: {text.strip()[:200]}") from None
        if "error" in answer:
            raise PeerError(answer["error"].splitlines()[0][:200])
        return answer

    def _last_words(self):
        status = self._process.wait()
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors.read().splitlines() if line.strip()]
        if status < 0:
            return f"ended by signal {-status}"
        return lines[-1][:200] if lines else f"ended with status {status}"

    def close(self):
        self._process.kill()
        self._process.wait()
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # the request that the process did not live to read is still in the buffer
        self._process.stdout.close()
        self._errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
