/** Sends requests over kept-alive connections, with as little work of its own as it can. */
import { Agent, request } from 'node:http';
import { z } from 'zod';
import { answerJobs } from '../child.ts';
import { closedLoop, Load } from '../load.ts';

const Job = Load.extend({
  url: z.url(),
  /** Asked for in turn. */
  paths: z.array(z.string()).min(1),
  method: z.enum(['GET', 'POST']),
  headers: z.record(z.string(), z.string()),
  body: z.string().optional(),
  status: z.int(),
});
type Job = z.infer<typeof Job>;

const send = ({ url, method, headers, body, status }: Job, path: string, agent: Agent): Promise<void> =>
  new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { method, agent, headers }, (answer) => {
      answer.resume();
      answer.once('error', reject);
      answer.once('end', () => {
        if (answer.statusCode === status) resolve();
        else reject(new Error(`${method} ${path} was answered ${answer.statusCode ?? 0}`));
      });
    });
    asked.once('error', reject);
    asked.end(body);
  });

answerJobs({
  load: async (input) => {
    const job = Job.parse(input);
    const agent = new Agent({ keepAlive: true, maxSockets: job.concurrency });
    try {
      return await closedLoop(job, (worker, nth) => {
        const path = job.paths[(nth * job.concurrency + worker) % job.paths.length] ?? '';
        return send(job, path, agent);
      });
    } finally {
      agent.destroy();
    }
  },
});
