"""A headless Chromium for tests, spoken to by the DevTools protocol over a pipe."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

PATIENCE = 60.0  # seconds for one answer
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # containers run it as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-pipe",
    "--window-size=1400,1000",
)


def program() -> str | None:
    """Find a Chromium or Chrome on the path."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


class Chromium:
    """One browser with one page; a context manager that ends it."""

    def __init__(self, home: Path) -> None:
        found = program()
        assert found is not None
        self.downloads = home / "downloads"
        self.downloads.mkdir(parents=True)
        self.fetched: list[str] = []  # addresses that the page asked for
        self.complaints: list[str] = []  # errors and refusals that it reported
        hear, self._words = os.pipe()
        self._answers, say = os.pipe()

        def lay_pipes() -> None:  # the protocol asks for the numbers 3 and 4
            ears, mouth = os.dup(hear), os.dup(say)
            os.dup2(ears, 3)
            os.dup2(mouth, 4)

        self._process = subprocess.Popen(
            [found, *_FLAGS, f"--user-data-dir={home / 'profile'}", "about:blank"],
            preexec_fn=lay_pipes,
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(hear)
        os.close(say)
        self._rest = b""
        self._number = 0
        self._session: str | None = None

    def __enter__(self) -> "Chromium":
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._session = None
            self.send("Browser.close")
            self._process.wait(20)
        except (OSError, EOFError, TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait(20)
        finally:
            os.close(self._words)
            os.close(self._answers)

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        """Ask for something and wait for the answer; raises RuntimeError where it is an error."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._words, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while True:
            heard = self._hear(end)
            if heard.get("id") == self._number:
                if "error" in heard:
                    raise RuntimeError(f"{method}: {heard['error']}")
                result: dict[str, Any] = heard["result"]
                return result

    def open(self, address: str) -> None:
        """Go to a page, and return as soon as it is on its way."""
        self.send("Page.navigate", url=address)

    def run(self, script: str) -> Any:
        """Evaluate an expression in the page, waiting for it if it is a promise."""
        answer = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, script: str, patience: float = 20.0) -> Any:
        """Wait until an expression is true, and give its value."""
        end = time.monotonic() + patience
        while not (value := self.run(script)):
            if time.monotonic() > end:
                raise TimeoutError(f"never true within {patience:.0f} s: {script}")
            time.sleep(0.02)
        return value

    def press(self, key: str, text: str = "", modifiers: int = 0) -> None:
        """Press and release a key, as a person would."""
        named = {"key": key, "modifiers": modifiers}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **named)
        self.send("Input.dispatchKeyEvent", type="keyUp", **named)

    def click(self, selector: str) -> None:
        """Press the mouse in the middle of an element."""
        place = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send(
                "Input.dispatchMouseEvent",
                type=kind,
                x=place[0],
                y=place[1],
                button="left",
                clickCount=1,
            )

    def screenshot(self, path: Path) -> None:
        """Keep what is in the window as a PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))

    def _hear(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError("Chromium gave no answer")
            read = os.read(self._answers, 1 << 20)
            if not read:
                raise EOFError("Chromium is gone")
            self._rest += read
        message, self._rest = self._rest.split(b"\0", 1)
        heard: dict[str, Any] = json.loads(message)
        self._note(heard.get("method", ""), heard.get("params", {}))
        return heard

    def _note(self, method: str, told: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.fetched.append(told["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"]))
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.complaints.append(told["entry"]["text"])
