/** EventBridge: the operations on buses, rules and targets. */
import { z } from 'zod';
import { EventPattern } from '#platform/eventbridge/routing.ts';
import { arnOf } from './arn.ts';
import type { Rules } from './rules.ts';
import { AwsFault, operation } from './server.ts';
import type { Operations } from './server.ts';

/** Buses are asked for by name or by ARN. */
export const BusName = z
  .string()
  .min(1)
  .transform((nameOrArn) => nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1))
  .default('default');
const Name = z.string().regex(/^[\w.-]{1,64}$/);
const ofRule = { Rule: Name, EventBusName: BusName };
const Target = z.strictObject({ Id: Name, Arn: z.string().regex(/^arn:aws:(sqs|sns):/, 'is no queue and no topic') });

const notFound = (what: string) => new AwsFault('ResourceNotFoundException', `${what} does not exist.`);

const needBus = (rules: Rules, bus: string): void => {
  if (!rules.hasBus(bus)) throw notFound(`Event bus ${bus}`);
};

const needRule = (rules: Rules, bus: string, rule: string): void => {
  if (!rules.rules(bus).some(({ name }) => name === rule)) throw notFound(`Rule ${rule} on event bus ${bus}`);
};

const checkPattern = (pattern: string): void => {
  try {
    EventPattern.parse(JSON.parse(pattern));
  } catch (cause) {
    throw new AwsFault('InvalidEventPatternException', `Event pattern is not valid. Reason: ${String(cause)}`);
  }
};

const busOperations = (rules: Rules, region: string): Operations => ({
  'AWSEvents.CreateEventBus': operation(z.strictObject({ Name }), (bus) => {
    if (rules.hasBus(bus.Name)) {
      throw new AwsFault('ResourceAlreadyExistsException', `Event bus ${bus.Name} already exists.`);
    }
    rules.addBus(bus.Name);
    return { EventBusArn: arnOf('events', region, `event-bus/${bus.Name}`) };
  }),
  'AWSEvents.DescribeEventBus': operation(z.strictObject({ Name: BusName }), (bus) => {
    needBus(rules, bus.Name);
    return { Name: bus.Name, Arn: arnOf('events', region, `event-bus/${bus.Name}`) };
  }),
});

const PutRule = z.strictObject({
  Name,
  EventBusName: BusName,
  EventPattern: z.string(),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
});

const ruleOperations = (rules: Rules, region: string): Operations => {
  const ruleArn = (bus: string, rule: string) =>
    arnOf('events', region, bus === 'default' ? `rule/${rule}` : `rule/${bus}/${rule}`);
  return {
    'AWSEvents.PutRule': operation(PutRule, (rule) => {
      needBus(rules, rule.EventBusName);
      checkPattern(rule.EventPattern);
      rules.putRule(rule.EventBusName, { name: rule.Name, pattern: rule.EventPattern, state: rule.State });
      return { RuleArn: ruleArn(rule.EventBusName, rule.Name) };
    }),
    'AWSEvents.ListRules': operation(
      z.strictObject({ EventBusName: BusName, NamePrefix: z.string().default('') }),
      ({ EventBusName, NamePrefix }) => {
        needBus(rules, EventBusName);
        const found = rules.rules(EventBusName).filter(({ name }) => name.startsWith(NamePrefix));
        return {
          Rules: found.map(({ name, pattern, state }) => ({
            ...{ Name: name, Arn: ruleArn(EventBusName, name), EventBusName },
            ...{ EventPattern: pattern, State: state },
          })),
        };
      },
    ),
    'AWSEvents.DeleteRule': operation(z.strictObject({ Name, EventBusName: BusName }), (rule) => {
      if (rules.targets(rule.EventBusName, rule.Name).length > 0) {
        throw new AwsFault('ValidationException', `Rule ${rule.Name} can't be deleted since it has targets.`);
      }
      rules.deleteRule(rule.EventBusName, rule.Name);
      return {};
    }),
  };
};

const targetOperations = (rules: Rules): Operations => ({
  'AWSEvents.PutTargets': operation(
    z.strictObject({ ...ofRule, Targets: z.array(Target).min(1) }),
    ({ Rule, EventBusName, Targets }) => {
      needRule(rules, EventBusName, Rule);
      for (const { Id, Arn } of Targets) rules.putTarget(EventBusName, Rule, { id: Id, arn: Arn });
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
  ),
  'AWSEvents.ListTargetsByRule': operation(z.strictObject(ofRule), ({ Rule, EventBusName }) => {
    needRule(rules, EventBusName, Rule);
    return { Targets: rules.targets(EventBusName, Rule).map(({ id, arn }) => ({ Id: id, Arn: arn })) };
  }),
  'AWSEvents.RemoveTargets': operation(
    z.strictObject({ ...ofRule, Ids: z.array(Name).min(1) }),
    ({ Rule, EventBusName, Ids }) => {
      needRule(rules, EventBusName, Rule);
      for (const id of Ids) rules.removeTarget(EventBusName, Rule, id);
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
  ),
});

export const ruleAdministration = (rules: Rules, region: string): Operations => ({
  ...busOperations(rules, region),
  ...ruleOperations(rules, region),
  ...targetOperations(rules),
});
