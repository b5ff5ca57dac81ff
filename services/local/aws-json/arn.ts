/** Names as AWS writes them; the account number is the one that fauxqs uses. */
export const account = '000000000000';

export const arnOf = (service: string, region: string, resource: string): string =>
  `arn:aws:${service}:${region}:${account}:${resource}`;
