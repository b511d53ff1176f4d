// The kinds of node that Segue runs, as the palette and the menus offer them.
import { t } from '../texts';

export interface Kind {
  id: keyof typeof t.editor.kinds;
  type: string;
  icon: string;
  group: 'start' | 'work' | 'choice' | 'wait' | 'end';
  /** The event definition that makes it what it is. */
  definition?: string;
  /** Drawn with room for what is in it. */
  expanded?: boolean;
  /** What people may look for it by, beside its name. */
  search: string;
  /** Whether something may follow it, or come before it. */
  first?: boolean;
  last?: boolean;
}

const definition = (name: string) => `bpmn:${name}EventDefinition`;

export const KINDS: Kind[] = [
  { id: 'start', type: 'bpmn:StartEvent', icon: 'bpmn-icon-start-event-none', group: 'start', search: 'begin trigger entry', first: true },
  { id: 'schedule', type: 'bpmn:StartEvent', icon: 'bpmn-icon-start-event-timer', group: 'start', definition: definition('Timer'), search: 'cron timer time begin', first: true },
  { id: 'webhook', type: 'bpmn:StartEvent', icon: 'bpmn-icon-start-event-message', group: 'start', definition: definition('Message'), search: 'message event begin', first: true },
  { id: 'action', type: 'bpmn:ServiceTask', icon: 'bpmn-icon-service-task', group: 'work', search: 'task connector custom batch service call' },
  { id: 'user', type: 'bpmn:UserTask', icon: 'bpmn-icon-user-task', group: 'work', search: 'person approve decide form human' },
  { id: 'call', type: 'bpmn:CallActivity', icon: 'bpmn-icon-call-activity', group: 'work', search: 'other process sub call reuse' },
  { id: 'sub', type: 'bpmn:SubProcess', icon: 'bpmn-icon-subprocess-expanded', group: 'work', expanded: true, search: 'sub-process embedded group scope' },
  { id: 'exclusive', type: 'bpmn:ExclusiveGateway', icon: 'bpmn-icon-gateway-xor', group: 'choice', search: 'gateway if either xor condition decision' },
  { id: 'inclusive', type: 'bpmn:InclusiveGateway', icon: 'bpmn-icon-gateway-or', group: 'choice', search: 'gateway or condition some' },
  { id: 'parallel', type: 'bpmn:ParallelGateway', icon: 'bpmn-icon-gateway-parallel', group: 'choice', search: 'gateway and all split fork' },
  { id: 'wait', type: 'bpmn:IntermediateCatchEvent', icon: 'bpmn-icon-intermediate-event-catch-timer', group: 'wait', definition: definition('Timer'), search: 'timer delay sleep pause' },
  { id: 'message', type: 'bpmn:IntermediateCatchEvent', icon: 'bpmn-icon-intermediate-event-catch-message', group: 'wait', definition: definition('Message'), search: 'message event receive correlate key' },
  { id: 'race', type: 'bpmn:EventBasedGateway', icon: 'bpmn-icon-gateway-eventbased', group: 'choice', search: 'event based gateway whichever first timeout' },
  { id: 'pass', type: 'bpmn:IntermediateThrowEvent', icon: 'bpmn-icon-intermediate-event-none', group: 'wait', search: 'milestone event mark' },
  { id: 'end', type: 'bpmn:EndEvent', icon: 'bpmn-icon-end-event-none', group: 'end', search: 'finish stop', last: true },
  { id: 'terminate', type: 'bpmn:EndEvent', icon: 'bpmn-icon-end-event-terminate', group: 'end', definition: definition('Terminate'), search: 'cancel stop all kill', last: true },
];

/** What watches an activity, on its edge. */
export const WATCHERS = [
  { id: 'timer', definition: definition('Timer') },
  { id: 'error', definition: definition('Error') },
  { id: 'message', definition: definition('Message') },
] as const;

/** The other parts of BPMN that are drawn and kept. */
export const DRAWN: { id: keyof typeof t.editor.drawn; type: string; icon: string }[] = [
  { id: 'annotation', type: 'bpmn:TextAnnotation', icon: 'bpmn-icon-text-annotation' },
  { id: 'group', type: 'bpmn:Group', icon: 'bpmn-icon-group' },
  { id: 'pool', type: 'bpmn:Participant', icon: 'bpmn-icon-participant' },
];

/** An action that a worker offers now. */
export interface Offer {
  worker: string;
  name: string;
  kind: 'connector' | 'custom' | 'batch';
  application: string | null;
}

/** A name for a node that calls an action: `create-contact` reads `Create contact`. */
export function nameOfAction(action: string): string {
  const words = action.replace(/[-_.]+/g, ' ').replace(/([a-z])([A-Z])/g, '$1 $2').trim().toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What somebody looks for fits when every word of it is somewhere in the texts. */
export function fits(wanted: string, ...texts: string[]): boolean {
  const all = texts.join(' ').toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}
