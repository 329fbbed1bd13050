"""A Hugging Face Hub on loopback: as much of its protocol as uploads and downloads of small files need."""

import base64
import hashlib
import http.server
import json
import threading
import urllib.parse


class FakeHub:
    """Model repositories in memory.

    Attributes:
        commits: {repository: [(commit, {file: content})]}, the newest last.
        asked: Requests, as "METHOD /path".
        refusal: Status of every answer, or `None`.
    """

    def __init__(self):
        self.commits, self.asked, self.refusal = {}, [], None

    def commit(self, repo, files):
        """Adds a commit with further files."""
        there = dict(self.commits[repo][-1][1]) if self.commits.get(repo) else {}
        there.update(files)
        digest = hashlib.sha1(repr((len(self.commits.get(repo, ())), sorted(there.items()))).encode()).hexdigest()
        self.commits.setdefault(repo, []).append((digest, there))
        return digest

    def at(self, repo, revision):
        """(commit, files) of a revision, or None."""
        known = self.commits.get(repo) or []
        if revision in ("main", None):
            return known[-1] if known else None
        return next((each for each in known if each[0] == revision), None)


class _Handler(http.server.BaseHTTPRequestHandler):
    hub: FakeHub

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        parts = path.strip("/").split("/")
        if self.hub.refusal:
            return self.answer(self.hub.refusal, {"error": "refused"})
        if parts[:2] == ["api", "models"]:
            repo, revision = "/".join(parts[2:4]), parts[5] if len(parts) > 5 else None
            found = self.hub.at(repo, revision)
            if found is None:
                return self.answer(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
            files = [{"rfilename": name, "size": len(content)} for name, content in found[1].items()]
            return self.answer(200, {"id": repo, "modelId": repo, "sha": found[0], "siblings": files, "private": False})
        repo, (_, revision, *file) = "/".join(parts[:2]), parts[2:]
        commit, files = self.hub.at(repo, revision) or (None, {})
        content = files.get("/".join(file))
        if content is None:
            return self.answer(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
        etag = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        return self.answer(200, content, {"X-Repo-Commit": commit, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"})

    def do_POST(self):
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        self.hub.asked.append(f"POST {path}")
        length = self.headers.get("Content-Length")
        body = self.rfile.read(int(length)) if length else self.chunks()
        parts = path.strip("/").split("/")
        if self.hub.refusal:
            return self.answer(self.hub.refusal, {"error": "refused"})
        if path == "/api/repos/create":
            asked = json.loads(body)
            repo = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            if repo not in self.hub.commits:
                self.hub.commits[repo] = []
                self.hub.commit(repo, {".gitattributes": b""})
            return self.answer(200, {"url": f"http://{self.headers['Host']}/{repo}", "id": repo, "name": repo})
        if path == "/api/validate-yaml":
            return self.answer(200, {"errors": [], "warnings": []})
        repo, what = "/".join(parts[2:4]), parts[4]
        if what == "preupload":
            wanted = [{"path": each["path"], "uploadMode": "regular"} for each in json.loads(body)["files"]]
            return self.answer(200, {"files": [{**each, "shouldIgnore": False, "oid": None} for each in wanted]})
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        files = {e["value"]["path"]: base64.b64decode(e["value"]["content"]) for e in lines if e["key"] == "file"}
        commit = self.hub.commit(repo, files)
        return self.answer(
            200, {"success": True, "commitOid": commit, "commitUrl": f"https://huggingface.co/{repo}/commit/{commit}"}
        )

    def chunks(self):
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, status, content, headers=None):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        if not isinstance(content, bytes):
            self.send_header("Content-Type", "application/json")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def serve(hub):
    """Starts a server of a hub on loopback, and returns (server, address)."""
    handler = type("Handler", (_Handler,), {"hub": hub, "protocol_version": "HTTP/1.1"})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"
