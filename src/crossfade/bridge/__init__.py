"""The bridge: a WSGI application under an ASGI server, as faithful as under a WSGI server.

`Bridge` is an `a2wsgi.WSGIMiddleware`: it is made, mounted and called like one. What happens inside
a request is replaced, part by part:

| module | its part |
| --- | --- |
| `app` | `Bridge`: one request from the server's first message to its last |
| `exchange` | what the thread does: runs the application, gathers or streams its answer |
| `head` | the status and headers that an application may send |
| `body` | `wsgi.input` over messages that arrive on the event loop |
| `pool` | the threads: ordinary ones, streaming ones, and the queue before them |
| `loop` | the way back from the threads to one event loop |
| `greenlets` | refuses a process whose threads gevent or eventlet replaced |
| `plain` | the answers that the bridge gives itself: 400, 413, 500, 503 |

The source that says what is faithful: PEP 3333, and gunicorn where PEP 3333 is silent.
"""

from crossfade.bridge.app import Bridge
from crossfade.bridge.body import BodyTooLarge, ClientDisconnected
from crossfade.bridge.greenlets import refuse_greenlets, threads_are_greenlets
from crossfade.bridge.pool import BridgeStats

__all__ = [
    "BodyTooLarge",
    "Bridge",
    "BridgeStats",
    "ClientDisconnected",
    "refuse_greenlets",
    "threads_are_greenlets",
]
