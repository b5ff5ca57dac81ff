/** What everything outside the process is called. Terraform, the local provisioning and the services agree on these names. */
import type { StreamKind } from '#events/envelope.ts';
import type { Priority } from '#events/task.ts';

export type Names = {
  readonly tables: Record<'events' | 'runtime' | StreamKind, string>;
  readonly wakeTopic: string;
  /** Each instance adds its own id: the queue behind the wake topic lives as long as the instance. */
  readonly wakeQueuePrefix: string;
  readonly bus: string;
  readonly workQueues: Record<Priority, string>;
  readonly deadLetterSuffix: string;
};

/** `prefix` is `kiro` wherever one installation has its account and region to itself. */
export const namesOf = (prefix: string): Names => ({
  tables: {
    events: `${prefix}-events`,
    runtime: `${prefix}-runtime`,
    task: `${prefix}-task-queue`,
    session: `${prefix}-sessions`,
    lock: `${prefix}-locks`,
    build: `${prefix}-builds`,
    account: `${prefix}-accounts`,
  },
  wakeTopic: `${prefix}-wake`,
  wakeQueuePrefix: `${prefix}-wake-`,
  bus: `${prefix}-dispatch`,
  workQueues: { high: `${prefix}-work-high`, normal: `${prefix}-work-normal`, low: `${prefix}-work-low` },
  deadLetterSuffix: '-dead',
});
