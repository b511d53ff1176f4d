// Our extension elements as moddle knows them (https://segue.dev/bpmn/1). What a later release adds to them, and every
// element or attribute that is not named here, is kept as it stands.

const attribute = (name: string, type: 'String' | 'Integer' = 'String') => ({ name, type, isAttr: true });
const element = (name: string, allowedIn: string[], properties: ReturnType<typeof attribute>[]) => ({
  name,
  superClass: ['Element'],
  meta: { allowedIn },
  properties,
});

export const segueModdle = {
  name: 'Segue',
  uri: 'https://segue.dev/bpmn/1',
  prefix: 'segue',
  xml: { tagAlias: 'lowerCase' },
  types: [
    element('Action', ['bpmn:Activity', 'bpmn:Event'], [
      attribute('kind'),
      attribute('worker'),
      attribute('name'),
      attribute('application'),
      attribute('prefetch'),
      attribute('timeout'),
      attribute('priority'),
    ]),
    element('Repeat', ['bpmn:Activity'], [attribute('interval'), attribute('at-most'), attribute('backoff'), attribute('at-longest'), attribute('jitter')]),
    element('Limit', ['bpmn:Activity'], [attribute('key'), attribute('calls'), attribute('per')]),
    element('Task', ['bpmn:UserTask'], [attribute('passes')]),
    element('Join', ['bpmn:Gateway', 'bpmn:SubProcess'], [attribute('bodies'), attribute('waits')]),
    element('Call', ['bpmn:CallActivity'], [attribute('process'), attribute('bodies'), attribute('into')]),
    element('Message', ['bpmn:Event'], [attribute('key'), attribute('bodies'), attribute('into')]),
    element('Schedule', ['bpmn:Event'], [attribute('zone'), attribute('missed'), attribute('body')]),
  ],
};
