/** The bus with a point on both sides of each request, and a record of every fact that it accepted. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PutEventsCommandInput, PutEventsCommandOutput } from '@aws-sdk/client-eventbridge';
import { eventPublisher as publisherFrom } from '#platform/eventbridge/publisher.ts';
import { announcedFile } from '../control.ts';
import { controlDir } from './points.ts';
import { aroundClient } from './ports.ts';

const file = join(controlDir, announcedFile);

/** Before anybody hears of the answer: what is not on record was announced to nobody who could remember it. */
const record = ({ Entries: asked = [] }: PutEventsCommandInput, { Entries: results = [] }: PutEventsCommandOutput) => {
  const accepted = asked.filter((_, index) => results[index]?.EventId !== undefined);
  appendFileSync(file, accepted.map(({ Detail }) => `${Detail ?? ''}\n`).join(''));
};

export const eventPublisher: typeof publisherFrom = (options) => {
  const { client } = options;
  aroundClient(client, 'eventbridge');
  client.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      if ('Entries' in args.input && 'Entries' in answer.output) record(args.input, answer.output);
      return answer;
    },
    { step: 'initialize', priority: 'low', name: 'announced' },
  );
  return publisherFrom(options);
};
