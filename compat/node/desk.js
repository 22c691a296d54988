// The control plane: what a website's backend and an agent's desk call.
import * as connect from '@aws-sdk/client-connect';

const operations = new Set([
  'StartChatContact', 'CreateParticipant', 'StopContact', 'DescribeContact',
  'GetContactAttributes', 'UpdateContactAttributes',
]);

// Endpoint, region and access key come from the environment, as documented.
const client = new connect.ConnectClient({});

export function isDesk(operation) {
  return operations.has(operation);
}

export async function desk(operation, input) {
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
