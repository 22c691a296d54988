// One participant's ChatJS session. The same script runs in a browser's page and in a
// worker of plain Node: whoever loads it has loaded amazon-connect-chatjs before, and
// has defined report(line), which takes what the session's callbacks say. It defines
// play(verb, input), which resolves to {ok} or {error}.
(() => {
  let session;
  let losses = 0; // connections lost so far
  let handled = 0; // of these, how many the scenario knows of
  let up = false; // subscribed since the last loss
  let watchers = [];
  const shown = new Map(); // what the page shows: item by Id
  let last = ''; // AbsoluteTime of the last item on this socket
  let reading = Promise.resolve(); // the transcript

  function changed() {
    watchers = watchers.filter((watcher) => !watcher());
  }

  function until(condition) {
    return new Promise((resolve) => {
      watchers.push(() => condition() && (resolve(), true));
      changed();
    });
  }

  // show takes an item into what the page shows. What comes on one socket is in order.
  function show(item) {
    if (item.AbsoluteTime <= last) globalThis.report({ event: 'misordered', item });
    last = item.AbsoluteTime;
    shown.set(item.Id, item);
  }

  // catchUp has the transcript read, again and again until that succeeds.
  async function catchUp() {
    const before = new Set(shown.keys());
    for (;;) {
      try {
        return await readBack(before);
      } catch (error) {
        globalThis.report({ event: 'unread', item: describe(error) });
        await new Promise((resolve) => { setTimeout(resolve, 1000); });
      }
    }
  }

  // readBack reads the transcript back to what was shown before, as a page does that was
  // without a socket.
  async function readBack(before) {
    let nextToken;
    do {
      const { data } = await session.getTranscript({ maxResults: 100, nextToken });
      data.Transcript.forEach((item) => shown.set(item.Id, item));
      nextToken = data.Transcript.some(({ Id }) => before.has(Id)) ? undefined : data.NextToken;
    } while (nextToken);
  }

  // open creates and connects a session. An AGENT session without Streams falls back
  // to CreateParticipantConnection with ConnectParticipant, a CUSTOMER session has none.
  async function open({ endpoint, region, catchesUp, ConnectParticipant, ...chatDetails }) {
    const { ChatSession } = globalThis.connect;
    ChatSession.setGlobalConfig({
      endpoint, region, features: { messageReceipts: { throttleTime: 50 } },
    });
    if (ConnectParticipant) {
      chatDetails.getConnectionToken = () => Promise.reject(new Error('there is no Streams'));
    }
    session = ChatSession.create({
      type: ConnectParticipant ? 'AGENT' : 'CUSTOMER', disableCSM: true, options: { region }, chatDetails,
    });
    for (const via of [
      'onMessage', 'onTyping', 'onReadReceipt', 'onDeliveredReceipt',
      'onParticipantIdle', 'onParticipantReturned', 'onParticipantInvited', 'onAutoDisconnection',
      'onAuthenticationInitiated', 'onAuthenticationSuccessful', 'onAuthenticationFailed',
      'onAuthenticationTimeout', 'onAuthenticationExpired', 'onAuthenticationCanceled',
      'onParticipantDisplayNameUpdated', 'onChatRehydrated',
    ]) {
      session[via](({ data: item }) => {
        // Where ChatJS makes up the chat.ended that it missed, that has no Id.
        if (item.Id) globalThis.report({ event: 'item', via, item });
      });
    }
    session.onMessage(({ data: item }) => item.Id && show(item));
    for (const event of ['onEnded', 'onConnectionBroken', 'onConnectionLost']) {
      session[event](() => globalThis.report({ event }));
    }
    session.onConnectionLost(() => { losses++; up = false; last = ''; changed(); });
    if (catchesUp) {
      session.onConnectionEstablished(() => {
        reading = catchUp();
      });
    }
    // The ping is sent after the subscription, so its answer comes after that one's.
    session.onDeepHeartbeatSuccess(() => { up = true; changed(); });
    await session.connect();
    await until(() => up);
  }

  const verbs = {
    connect: open,
    reopen: () => until(() => up && losses > handled), // though it may not be subscribed
    async reconnect() { // ChatJS does it by itself
      await until(() => up && losses > handled);
      handled = losses;
      await reading;
    },
    SendMessage: ({ ContentType, Content, ClientToken }) =>
      session.sendMessage({ contentType: ContentType, message: Content, clientToken: ClientToken }),
    SendEvent: ({ ContentType, Content, ClientToken }) =>
      session.sendEvent({ contentType: ContentType, content: Content, clientToken: ClientToken }),
    GetTranscript: ({ ScanDirection, SortOrder, MaxResults, NextToken, StartPosition }) =>
      session.getTranscript({
        scanDirection: ScanDirection, sortOrder: SortOrder, maxResults: MaxResults,
        nextToken: NextToken, startPosition: { id: StartPosition?.Id },
      }),
    Shown: async () => ({
      data: { Items: [...shown.values()].sort((a, b) => (a.AbsoluteTime < b.AbsoluteTime ? -1 : 1)) },
    }),
    DisconnectParticipant: () => session.disconnectParticipant(),
    DescribeView: ({ ViewToken }) => session.describeView({ viewToken: ViewToken }),
    GetAuthenticationUrl: ({ SessionId, RedirectUri }) =>
      session.getAuthenticationUrl({ sessionId: SessionId, redirectUri: RedirectUri }),
    CancelParticipantAuthentication: ({ SessionId }) =>
      session.cancelParticipantAuthentication({ sessionId: SessionId }),
    upload: ({ Name, Type, Text }) =>
      session.sendAttachment({ attachment: Object.assign(new Blob([Text], { type: Type }), { name: Name }) }),
    async download({ AttachmentId }) {
      const blob = await session.downloadAttachment({ attachmentId: AttachmentId });
      return { data: { Text: await blob.text() } };
    },
  };

  // describe finds what the SDK inside ChatJS said: a call rejects with
  // {type, message, statusCode}, connect() with that wrapped in _debug twice.
  function describe(error) {
    let inner = error;
    while (inner?._debug) inner = inner._debug;
    return {
      type: inner?.type ?? inner?.constructor?.name,
      message: inner?.message ?? inner?.errorMessage ?? String(inner),
      status: inner?.statusCode,
    };
  }

  globalThis.play = async (verb, input) => {
    try {
      const { $metadata, ...output } = (await verbs[verb](input))?.data ?? {};
      return { ok: output };
    } catch (error) {
      return { error: describe(error) };
    }
  };
})();
