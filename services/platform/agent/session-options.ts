/** What is set once a conversation is open: the model that was asked for, and Kiro's autopilot. */
import { z } from 'zod';
import { AgentUnavailable } from './agent.ts';
import type { Dialect } from './dialect.ts';

const Opened = z.object({
  models: z
    .object({ currentModelId: z.string(), availableModels: z.array(z.object({ modelId: z.string() })) })
    .nullish()
    .catch(undefined),
  configOptions: z
    .array(
      z.object({
        id: z.string(),
        category: z.string().nullish().catch(undefined),
        currentValue: z.unknown().optional(),
      }),
    )
    .nullish()
    .catch(undefined),
});
type Opened = z.infer<typeof Opened>;

export type SetOptions = {
  readonly request: (method: string, params: object) => Promise<unknown>;
  readonly sessionId: string;
  readonly dialect: Dialect;
  readonly model?: string | undefined;
};

/** `answer` is what the agent said to `session/new` or `session/load`. Rejects with `AgentUnavailable` when it does not have the model. */
export const setOptions = async (answer: unknown, options: SetOptions): Promise<void> => {
  const opened = Opened.safeParse(answer).data ?? {};
  const { request, sessionId, dialect, model } = options;
  const set = (configId: string, value: string) => request('session/set_config_option', { sessionId, configId, value });
  const autopilot = opened.configOptions?.find(({ id }) => id === 'autopilot');
  // Without it V3 stops after each step for a review that nobody gives; it asks for permissions all the same.
  if (dialect.name === 'kiro-v3' && autopilot && autopilot.currentValue !== 'on') await set('autopilot', 'on');
  if (model === undefined) return;
  if (opened.models) await setModel(opened.models, model, options);
  else await set(modelOption(opened, dialect), model);
};

const setModel = async (models: NonNullable<Opened['models']>, model: string, options: SetOptions): Promise<void> => {
  if (models.currentModelId === model) return;
  const offered = models.availableModels.map(({ modelId }) => modelId);
  if (!offered.includes(model)) {
    throw new AgentUnavailable(`the agent has no model ${model}`, `Set AGENT_MODEL to one of ${offered.join(', ')}.`);
  }
  await options.request('session/set_model', { sessionId: options.sessionId, modelId: model });
};

const modelOption = ({ configOptions }: Opened, { name }: Dialect): string => {
  const option = configOptions?.find(({ id, category }) => id === 'model' || category === 'model');
  // V3 learns its models only with the first prompt, and takes the setting before.
  if (option || name === 'kiro-v3') return option?.id ?? 'model';
  throw new AgentUnavailable('the agent does not let its model be chosen', 'Leave AGENT_MODEL empty.');
};
