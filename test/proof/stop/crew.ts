/** One instance of each service on one embedded AWS; each can be stopped and is then followed by another. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Aws } from '#test/support/aws.ts';
import { eventually } from '#test/support/eventually.ts';
import { startService } from '#test/support/service-process.ts';
import type { ServiceName, ServiceOptions, ServiceProcess } from '#test/support/service-process.ts';
import { quickDemoAgent } from '#test/support/system.ts';
import { visit } from './clients.ts';
import type { Visitors } from './clients.ts';
import type { Stop } from './judge.ts';
import { stopService } from './stopping.ts';

export const roles = ['api', 'worker', 'projector'] as const;

type Member = {
  readonly service: ServiceProcess;
  readonly stopping: AbortController;
  readonly visitors?: Promise<Visitors | undefined>;
  readonly url?: Promise<string | undefined>;
};

export type CrewOptions = {
  readonly aws: Aws;
  readonly dir: string;
  /** As `make run` has it. */
  readonly graceMs: number;
  /** How long a stop may take. */
  readonly limitMs: number;
  readonly prompt: () => string;
  /** Programs to run instead of a service's own. */
  readonly instead?: Partial<Record<ServiceName, Pick<ServiceOptions, 'main' | 'nodeArgs'>>>;
};

const Started = z.object({ address: z.string() });

export class Crew implements AsyncDisposable {
  readonly #options: CrewOptions;
  readonly #members = new Map<ServiceName, Member>();
  readonly acknowledged: string[] = [];
  answered = 0;
  #endless = '';
  #made = 0;

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  /** `endless` is a task for people to look at; before there is one, nobody visits. */
  setEndless(taskId: string): void {
    this.#endless = taskId;
  }

  key(): Promise<string> {
    return readFile(join(this.#options.dir, 'admin.key'), 'utf8').then((key) => key.trim());
  }

  /** The address of the API of this moment. */
  url(): Promise<string> {
    return eventually(() => this.#members.get('api')?.url, 'there is no API', 60_000);
  }

  /** Resolves when the instance of this moment has started. */
  async started(role: ServiceName): Promise<void> {
    await this.#members.get(role)?.service.started();
  }

  start(role: ServiceName): void {
    const { aws, dir, graceMs, instead = {} } = this.#options;
    this.#made += 1;
    // Two workers on one machine are two data directories, as the leftovers that one sweeps are not the other's.
    const DATA_DIR = role === 'worker' ? join(dir, `worker-${this.#made}`) : dir;
    const service = startService(role, {
      ...instead[role],
      env: {
        ...aws.env,
        ...{ DATA_DIR, AGENT_COMMAND: quickDemoAgent, SHUTDOWN_GRACE_MS: String(graceMs), RATE_PER_SECOND: '10000' },
      },
    });
    service.exited.catch(() => undefined);
    const stopping = new AbortController();
    if (role !== 'api') this.#members.set(role, { service, stopping });
    else {
      const url = service.started().then(
        (line) => Started.parse(line).address,
        () => undefined,
      );
      this.#members.set(role, { service, stopping, url, visitors: this.#visitors(url, stopping.signal) });
    }
  }

  async #visitors(address: Promise<string | undefined>, stopping: AbortSignal): Promise<Visitors | undefined> {
    const url = await address;
    if (url === undefined || this.#endless === '') return undefined;
    return visit({ url, key: await this.key(), endless: this.#endless, prompt: this.#options.prompt, stopping });
  }

  /** Stops the instance of this moment; the next one starts before it is gone, or after. */
  async replace(role: ServiceName, overlapping: boolean): Promise<Stop> {
    const member = this.#members.get(role);
    if (!member) throw new Error(`there is no ${role}`);
    const url = await Promise.race([member.url, pause(0, undefined)]);
    const port = url === undefined ? undefined : Number(new URL(url).port);
    member.stopping.abort();
    const stopped = stopService({ role, service: member.service, limitMs: this.#options.limitMs, port });
    if (overlapping) this.start(role);
    const stop = await stopped;
    if (!overlapping) this.start(role);
    const visited = await (await member.visitors)?.left;
    this.acknowledged.push(...(visited?.acknowledged ?? []));
    this.answered += visited?.answered ?? 0;
    return { ...stop, cutOff: visited?.cutOff ?? [] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { service, stopping } of this.#members.values()) {
      stopping.abort();
      await service[Symbol.asyncDispose]();
    }
  }
}
