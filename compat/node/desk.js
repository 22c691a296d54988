// The control plane: what a website's backend and an agent's desk call.
import * as connect from '@aws-sdk/client-connect';

// Endpoint, region and access key come from the environment, as documented.
const client = new connect.ConnectClient({});

// The last release of the SDK for Node 18 is older than these members, so they are put
// where a later one would have put them.
client.middlewareStack.add((next, { commandName }) => (args) => {
  const { ParticipantConfiguration, DisconnectOnCustomerExit } = args.input;
  if (commandName === 'StartChatContactCommand') {
    args.request.body = JSON.stringify({
      ...JSON.parse(args.request.body), ParticipantConfiguration, DisconnectOnCustomerExit,
    });
  }
  return next(args);
}, { step: 'build', priority: 'high' });

// Participants have a DescribeView of their own.
export function isDesk(operation) {
  return operation !== 'DescribeView' && `${operation}Command` in connect;
}

export async function desk(operation, input) {
  const { StartTime, EndTime } = input.TimeRange ?? {};
  if (StartTime) input.TimeRange = { ...input.TimeRange, StartTime: new Date(StartTime), EndTime: new Date(EndTime) };
  const { $metadata, ...output } = await client.send(new connect[`${operation}Command`](input));
  return output;
}

// describe names an error by the SDK's own class for it.
export function describe(error) {
  return {
    type: error.constructor === Object ? error.type : error.constructor.name,
    message: error.message,
    status: error.$metadata?.httpStatusCode ?? error.status,
  };
}
