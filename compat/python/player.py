"""Plays a scenario's participants with boto3.

Reads requests and writes replies and events, one JSON text a line; see the Go
package compat, which tells the story.
"""

import json
import sys
import threading

import boto3
import urllib3
import websocket
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_out = threading.Lock()


def say(line):
    """Writes one line; sockets and the main thread take turns."""
    text = json.dumps(line, default=lambda value: value.isoformat())
    with _out:
        print(text, flush=True)


class Session:
    """A participant's connection: its token and its socket."""

    def __init__(self, chat, who, request):
        self.request = request
        created = chat.create_participant_connection(
            Type=["WEBSOCKET", "CONNECTION_CREDENTIALS"], **request
        )
        self.token = created["ConnectionCredentials"]["ConnectionToken"]
        self.who = who
        self.socket = websocket.create_connection(created["Websocket"]["Url"])
        self.subscribed = threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        self.socket.send(
            json.dumps({"topic": "aws/subscribe", "content": {"topics": ["aws/chat"]}})
        )
        if not self.subscribed.wait(120):
            raise TimeoutError("no answer to the subscription within 2 minutes")

    def _read(self):
        try:
            while text := self.socket.recv():
                self._take(json.loads(text))
        except (OSError, websocket.WebSocketException):
            pass  # the socket is gone, which is what the end of this thread says

    def _take(self, frame):
        if frame["topic"] == "aws/subscribe":
            self.subscribed.set()
        elif frame["topic"] == "aws/chat":
            say({"event": "item", "who": self.who, "item": json.loads(frame["content"])})

    def close(self):
        self.socket.abort()
        self.thread.join()


class Player:
    """The SDK's clients and the participants' connections."""

    def __init__(self):
        # Endpoints, region and access key come from the environment, as documented.
        # Three attempts, as the other SDKs make; boto3's older mode makes five.
        standard = Config(retries={"mode": "standard"})
        self.desk = boto3.client("connect", config=standard)
        self.chat = boto3.client("connectparticipant", config=standard)
        self.people = {}

    def do(self, verb, who, given):
        for client in (self.chat, self.desk):  # in this order: both have a DescribeView
            if verb in client.meta.service_model.operation_names:
                return self._call(client, verb, who, given)
        return getattr(self, verb)(who, given)

    def _call(self, client, verb, who, given):
        members = client.meta.service_model.operation_model(verb).input_shape.members
        if "ConnectionToken" in members and who in self.people:
            given.setdefault("ConnectionToken", self.people[who].token)
        return getattr(client, xform_name(verb))(**given)

    def connect(self, who, given):
        """Connects anew, closing an old socket: what loading a page anew does."""
        if who in self.people:
            self.people[who].close()
        request = {
            name: given[name]
            for name in ("ParticipantToken", "ConnectParticipant")
            if name in given
        }
        self.people[who] = Session(self.chat, who, request)
        return {}

    def reconnect(self, who, _given):
        """Waits for the loss of the socket, and connects again as before."""
        self.people[who].thread.join()
        self.people[who] = Session(self.chat, who, self.people[who].request)
        return {}

    def upload(self, who, given):
        """Sends a file as an attachment."""
        token = self.people[who].token
        body = given["Text"].encode()
        begun = self.chat.start_attachment_upload(
            ConnectionToken=token,
            AttachmentName=given["Name"],
            ContentType=given["Type"],
            AttachmentSizeInBytes=len(body),
        )
        upload = begun["UploadMetadata"]
        _fetch("PUT", upload["Url"], headers=upload["HeadersToInclude"], body=body)
        self.chat.complete_attachment_upload(
            ConnectionToken=token, AttachmentIds=[begun["AttachmentId"]]
        )
        return {"AttachmentId": begun["AttachmentId"]}

    def download(self, who, given):
        """Gets what is in an attachment."""
        got = self.chat.get_attachment(ConnectionToken=self.people[who].token, **given)
        return {"Text": _fetch("GET", got["Url"]).decode()}

    def forget(self, _who, _given):
        for session in self.people.values():
            session.close()
        self.people.clear()
        return {}


def _fetch(method, url, **more):
    response = urllib3.request(method, url, **more)
    if response.status != 200:
        raise OSError(f"{method} of an attachment: {response.status} {response.data}")
    return response.data


def describe(error):
    """Names an error by boto3's own class for it."""
    told = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, ClientError):
        told["message"] = error.response["Error"]["Message"]
        told["status"] = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return told


def main():
    player = Player()
    for line in sys.stdin:
        request = json.loads(line)
        reply = {"id": request["id"]}
        try:
            result = player.do(request["do"], request.get("who"), request.get("in") or {})
            result.pop("ResponseMetadata", None)
            reply["ok"] = result
        except (BotoCoreError, ClientError, OSError, websocket.WebSocketException) as error:
            reply["error"] = describe(error)
        say(reply)


if __name__ == "__main__":
    main()
