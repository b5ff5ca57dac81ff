/** `node services/worker/redrive.ts` moves what was put aside back to the work queues, once its cause is mended. */
import { Priority } from '#events/task.ts';
import { readConfig, storeConfig } from '#platform/config.ts';
import { runMain } from '#platform/lifetime.ts';
import { namesOf } from '#platform/names.ts';
import { sqsClient } from '#platform/sqs/client.ts';
import { redrive } from '#platform/sqs/redrive.ts';

await runMain(async () => {
  const { RESOURCE_PREFIX } = readConfig(storeConfig.pick({ RESOURCE_PREFIX: true }), process.env);
  const { workQueues, deadLetterSuffix } = namesOf(RESOURCE_PREFIX);
  using resources = new DisposableStack();
  const sqs = resources.adopt(sqsClient(), (client) => client.destroy());
  for (const priority of Priority.options) {
    const queue = workQueues[priority];
    const moved = await redrive(sqs, `${queue}${deadLetterSuffix}`, queue);
    process.stdout.write(`${queue}: ${moved} messages moved back\n`);
  }
});
