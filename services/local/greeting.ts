/** What a person reads when the system is up. */
export type Greeting = {
  readonly url: string;
  /** As it can be typed where they are. */
  readonly dataDir: string;
  readonly agent: string;
  readonly afterMs: number;
};

export const greeting = ({ url, dataDir, agent, afterMs }: Greeting): string => `
kiro-dispatch is ready after ${(afterMs / 1000).toFixed(1)} s.

  API      ${url}
  Docs     ${url}/docs
  Key      ${dataDir}/admin.key
  Agent    ${agent}
  Logs     ${dataDir}/logs

Try:
  curl -s ${url}/api/chat -H "authorization: Bearer $(cat ${dataDir}/admin.key)" \\
    -H 'content-type: application/json' -d '{"message":"What is 6 times 7?"}'

Ctrl-C stops it; nothing is lost, and the next start goes on where it was.
`;
