/** One at a time per shard: two appends of one process would only take the same log position from each other. */

/** Runs `work` when everything that asked earlier for this shard has ended, well or badly. */
export type InTurn = <Result>(shard: number, work: () => Promise<Result>) => Promise<Result>;

export const turns = (): InTurn => {
  const last = new Map<number, Promise<unknown>>();
  return (shard, work) => {
    const turn = (last.get(shard) ?? Promise.resolve()).then(work, work);
    last.set(shard, turn);
    return turn;
  };
};
