/** The SNS client every service uses; endpoint, region and credentials come from the environment through the SDK. */
import { SNSClient } from '@aws-sdk/client-sns';
import type { SNSClientConfig } from '@aws-sdk/client-sns';

export const snsClient = (overrides: SNSClientConfig = {}): SNSClient =>
  new SNSClient({
    // The SDK waits for ever by default, and a service that starts would wait with it.
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
    ...overrides,
  });
