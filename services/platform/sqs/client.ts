/** The SQS client every service uses; endpoint, region and credentials come from the environment through the SDK. */
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSClientConfig } from '@aws-sdk/client-sqs';

export const sqsClient = (overrides: SQSClientConfig = {}): SQSClient =>
  new SQSClient({
    requestHandler: {
      connectionTimeout: 2_000,
      // The SDK waits for ever by default, and a queue that fell silent would look like one that is empty. The longest
      // honest answer takes the 20 s of a long poll.
      requestTimeout: 30_000,
      throwOnRequestTimeout: true,
    },
    ...overrides,
  });
