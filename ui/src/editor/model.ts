// Reading and changing what a node says, by commands that can be undone. What is not ours stays as it is.
import { is, type Factory, type Modeling, type Moddle, type ModdleModel, type Shape } from './bpmn';

export type Own = 'segue:Action' | 'segue:Repeat' | 'segue:Limit' | 'segue:Schedule' | 'segue:Task' | 'segue:Join' | 'segue:Call' | 'segue:Message';
type Services = { get<T>(name: string): T };

export const businessOf = (element: Shape): Moddle => element.businessObject;

/** The extension elements of a node, whoever wrote them. */
export function extensionsOf(element: Shape): Moddle[] {
  const holder = businessOf(element).get('extensionElements') as Moddle | undefined;
  return holder ? ((holder.get('values') as Moddle[] | undefined) ?? []) : [];
}

export function own(element: Shape, type: Own): Moddle | undefined {
  return extensionsOf(element).find((each) => each.$type === type);
}

export const allOwn = (element: Shape, type: Own): Moddle[] => extensionsOf(element).filter((each) => each.$type === type);

/** What other tools wrote about a node: shown, never changed. */
export const foreign = (element: Shape): Moddle[] => extensionsOf(element).filter((each) => !/^segue:/i.test(each.$type));

export const textOf = (element: Moddle | undefined, name: string): string => {
  const value = element?.get(name);
  return value === undefined || value === null ? '' : String(value);
};

/** Put extension elements in the place of those of one type. */
export function replaceOwn(services: Services, element: Shape, type: Own, wanted: Moddle[]): void {
  const modeling = services.get<Modeling>('modeling');
  const factory = services.get<Factory>('bpmnFactory');
  const business = businessOf(element);
  const others = extensionsOf(element).filter((each) => each.$type !== type);
  const values = [...wanted, ...others];
  const holder = business.get('extensionElements') as Moddle | undefined;
  if (holder) {
    for (const each of wanted) each.$parent = holder;
    // An empty extensionElements would stay behind in the file.
    if (values.length === 0) modeling.updateModdleProperties(element, business, { extensionElements: undefined });
    else modeling.updateModdleProperties(element, holder, { values });
    return;
  }
  if (values.length === 0) return;
  const made = factory.create('bpmn:ExtensionElements', { values });
  made.$parent = business;
  for (const each of values) each.$parent = made;
  modeling.updateModdleProperties(element, business, { extensionElements: made });
}

/** Set attributes of our one extension element of a type; it is made when it is not there. Empty texts are left out. */
export function setOwn(services: Services, element: Shape, type: Own, fields: Record<string, string>): void {
  const given = Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, text === '' ? undefined : text]));
  const there = own(element, type);
  if (there) {
    services.get<Modeling>('modeling').updateModdleProperties(element, there, given);
    return;
  }
  if (Object.values(given).every((text) => text === undefined)) return;
  replaceOwn(services, element, type, [services.get<Factory>('bpmnFactory').create(type, given)]);
}

export const removeOwn = (services: Services, element: Shape, type: Own) => replaceOwn(services, element, type, []);

// -- notes ---------------------------------------------------------------------------------------------------------

export function notesOf(element: Shape): string {
  const found = businessOf(element).get('documentation') as Moddle[] | undefined;
  return found?.[0] ? textOf(found[0], 'text') : '';
}

export function setNotes(services: Services, element: Shape, text: string): void {
  const business = businessOf(element);
  const modeling = services.get<Modeling>('modeling');
  const there = (business.get('documentation') as Moddle[] | undefined) ?? [];
  const [first, ...rest] = there;
  if (first && text) {
    modeling.updateModdleProperties(element, first, { text });
    return;
  }
  const made = text ? [services.get<Factory>('bpmnFactory').create('bpmn:Documentation', { text })] : [];
  for (const each of made) each.$parent = business;
  modeling.updateModdleProperties(element, business, { documentation: [...made, ...rest] });
}

// -- conditions ----------------------------------------------------------------------------------------------------

export interface WrittenCondition {
  source: string;
  language: string;
}

export function conditionOf(flow: Shape): WrittenCondition | null {
  const found = businessOf(flow).get('conditionExpression') as Moddle | undefined;
  return found ? { source: textOf(found, 'body'), language: textOf(found, 'language') } : null;
}

/** The language of conditions that do not name one: what the file says, if it says anything. */
export function defaultLanguage(element: Shape): string {
  let root: Moddle | undefined = businessOf(element);
  while (root?.$parent) root = root.$parent;
  return textOf(root, 'expressionLanguage');
}

/** A condition is written in CEL. Where the file says that its conditions are in another language, this one says so. */
export const newLanguage = (element: Shape): string => (defaultLanguage(element) === '' ? '' : 'cel');

/** An empty source takes the condition away. */
export function setCondition(services: Services, flow: Shape, condition: WrittenCondition): void {
  const modeling = services.get<Modeling>('modeling');
  const business = businessOf(flow);
  const there = business.get('conditionExpression') as Moddle | undefined;
  if (condition.source === '') {
    if (there) modeling.updateProperties(flow, { conditionExpression: undefined });
    return;
  }
  if (there) {
    modeling.updateModdleProperties(flow, there, { body: condition.source, language: condition.language || undefined });
    return;
  }
  const made = services.get<Factory>('bpmnFactory').create('bpmn:FormalExpression', { body: condition.source });
  if (condition.language) made.set('language', condition.language);
  modeling.updateProperties(flow, { conditionExpression: made });
}

export const isDefault = (flow: Shape): boolean => flow.source?.businessObject.get('default') === flow.businessObject;

export function setDefault(services: Services, flow: Shape, wanted: boolean): void {
  if (!flow.source) return;
  const modeling = services.get<Modeling>('modeling');
  if (wanted) setCondition(services, flow, { source: '', language: '' });
  modeling.updateProperties(flow.source, { default: wanted ? flow.businessObject : undefined });
}

/** The flows out of a node, in the order in which they are asked. */
export function branchesOf(element: Shape): Shape[] {
  const flows = element.outgoing.filter((each) => is(each, 'bpmn:SequenceFlow'));
  const holder = businessOf(element).$parent?.get('flowElements') as Moddle[] | undefined;
  const place = new Map((holder ?? []).map((each, index) => [each, index]));
  return [...flows].sort((a, b) => (place.get(a.businessObject) ?? 0) - (place.get(b.businessObject) ?? 0));
}

/** Whether a flow's condition is asked: it leaves a gateway that chooses, or stands beside others. */
export const isAsked = (flow: Shape): boolean =>
  is(flow.source, 'bpmn:ExclusiveGateway') || is(flow.source, 'bpmn:InclusiveGateway') || is(flow.source, 'bpmn:Activity');

/** Ask a flow earlier or later: the order of the flows in the file is the order in which conditions are asked. */
export function moveBranch(services: Services, element: Shape, flow: Shape, by: -1 | 1): void {
  const branches = branchesOf(element);
  const other = branches[branches.indexOf(flow) + by];
  const holder = businessOf(element).$parent;
  if (!other || !holder) return;
  const elements = [...(holder.get('flowElements') as Moddle[])];
  const [a, b] = [elements.indexOf(flow.businessObject), elements.indexOf(other.businessObject)];
  elements[a] = other.businessObject;
  elements[b] = flow.businessObject;
  services.get<Modeling>('modeling').updateModdleProperties(element, holder, { flowElements: elements });
}

// -- timers and messages --------------------------------------------------------------------------------------------

export type TimerForm = 'timeCycle' | 'timeDate' | 'timeDuration';
export const TIMER_FORMS: TimerForm[] = ['timeCycle', 'timeDate', 'timeDuration'];

export function definitionOf(element: Shape, type: string): Moddle | undefined {
  const found = businessOf(element).get('eventDefinitions') as Moddle[] | undefined;
  return found?.find((each) => each.$type === `bpmn:${type}EventDefinition`);
}

export function timerOf(element: Shape): { form: TimerForm; value: string } | null {
  const definition = definitionOf(element, 'Timer');
  if (!definition) return null;
  for (const form of TIMER_FORMS) {
    const expression = definition.get(form) as Moddle | undefined;
    if (expression) return { form, value: textOf(expression, 'body') };
  }
  return { form: is(element, 'bpmn:StartEvent') ? 'timeCycle' : 'timeDuration', value: '' };
}

export function setTimer(services: Services, element: Shape, form: TimerForm, value: string): void {
  const definition = definitionOf(element, 'Timer');
  if (!definition) return;
  const made = services.get<Factory>('bpmnFactory').create('bpmn:FormalExpression', { body: value });
  made.$parent = definition;
  const fields = Object.fromEntries(TIMER_FORMS.map((each) => [each, each === form && value !== '' ? made : undefined]));
  services.get<Modeling>('modeling').updateModdleProperties(element, definition, fields);
}

/** What an error event catches: the code of its error; empty catches everything. */
export function errorCodeOf(element: Shape): string {
  return textOf(definitionOf(element, 'Error')?.get('errorRef') as Moddle | undefined, 'errorCode');
}

export function setErrorCode(services: Services, element: Shape, code: string): void {
  const definition = definitionOf(element, 'Error');
  if (!definition) return;
  refer(services, element, definition, { ref: 'errorRef', type: 'bpmn:Error', prefix: 'Error_', by: 'errorCode' }, code);
}

export function messageOf(element: Shape): string {
  const message = definitionOf(element, 'Message')?.get('messageRef') as Moddle | undefined;
  return textOf(message, 'name') || (message?.id ?? '');
}

export function setMessage(services: Services, element: Shape, name: string): void {
  const definition = definitionOf(element, 'Message');
  if (!definition) return;
  refer(services, element, definition, { ref: 'messageRef', type: 'bpmn:Message', prefix: 'Message_', by: 'name' }, name);
}

/** Let an event definition refer to the root element that `by` names; one is made when there is none. */
function refer(services: Services, element: Shape, definition: Moddle, to: { ref: string; type: string; prefix: string; by: string }, text: string): void {
  const modeling = services.get<Modeling>('modeling');
  let root: Moddle | undefined = businessOf(element);
  while (root?.$parent) root = root.$parent;
  if (!root) return;
  const elements = root.get('rootElements') as Moddle[];
  const known = elements.find((each) => each.$type === to.type && textOf(each, to.by) === text);
  if (text === '' || known) {
    modeling.updateModdleProperties(element, definition, { [to.ref]: text === '' ? undefined : known });
    return;
  }
  const moddle = services.get<ModdleModel>('moddle');
  const made = services.get<Factory>('bpmnFactory').create(to.type, { id: moddle.ids.nextPrefixed(to.prefix), name: text, [to.by]: text });
  made.$parent = root;
  modeling.updateModdleProperties(element, root, { rootElements: [made, ...elements] });
  modeling.updateModdleProperties(element, definition, { [to.ref]: made });
}
