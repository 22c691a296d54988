"""Plays a scenario's participants with boto3.

Reads requests and writes replies and events, one JSON text a line; see the Go
package compat, which tells the story.
"""

import json
import sys
import threading

import boto3
import websocket
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

CONTROL_PLANE = {
    "StartChatContact": "start_chat_contact",
    "CreateParticipant": "create_participant",
    "StopContact": "stop_contact",
    "DescribeContact": "describe_contact",
    "GetContactAttributes": "get_contact_attributes",
    "UpdateContactAttributes": "update_contact_attributes",
}
PARTICIPANT = {
    "SendMessage": "send_message",
    "SendEvent": "send_event",
    "GetTranscript": "get_transcript",
    "DisconnectParticipant": "disconnect_participant",
}

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
        if not self.subscribed.wait(10):
            raise TimeoutError("no answer to the subscription within 10 s")

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
        if verb in CONTROL_PLANE:
            return getattr(self.desk, CONTROL_PLANE[verb])(**given)
        if verb == "CreateParticipantConnection":
            return self.chat.create_participant_connection(**given)
        if verb in PARTICIPANT:
            if who in self.people:
                given.setdefault("ConnectionToken", self.people[who].token)
            return getattr(self.chat, PARTICIPANT[verb])(**given)
        return getattr(self, verb)(who, given)

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

    def forget(self, _who, _given):
        for session in self.people.values():
            session.close()
        self.people.clear()
        return {}


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
