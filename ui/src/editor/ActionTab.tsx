// Which action a node calls: searched among what the workers offer now, or written by hand.
import { Alert, Anchor, Autocomplete, Box, Button, Checkbox, Collapse, Group, SegmentedControl, Select, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import { useState } from 'react';

import { t } from '../texts';
import type { Modeling, Shape } from './bpmn';
import { DraftInput } from './fields';
import { useListings, useSession, type Listings } from './hooks';
import { fits, nameOfAction, type Offer } from './kinds';
import { own, removeOwn, setOwn, textOf } from './model';

const idOf = (offer: Omit<Offer, 'application'>) => [offer.worker, offer.kind, offer.name].join('\n');

export function ActionTab({ element }: { element: Shape }) {
  const [session, state] = useSession();
  const listings = useListings();
  const action = own(element, 'segue:Action');
  const current = { worker: textOf(action, 'worker'), name: textOf(action, 'name'), kind: textOf(action, 'kind') || 'connector' } as Offer;
  const [byHand, setByHand] = useState(false);
  const bound = state.nodes.find((each) => each.id === element.id)?.action;
  const taken = (offer: Offer) => {
    if (own(element, 'segue:Task')) removeOwn(session, element, 'segue:Task');
    setOwn(session, element, 'segue:Action', { worker: offer.worker, name: offer.name, kind: offer.kind, application: offer.application ?? '' });
    if (!element.businessObject.get('name')) session.get<Modeling>('modeling').updateProperties(element, { name: nameOfAction(offer.name) });
  };
  const options = listings.offers.map((offer) => ({ value: idOf(offer), label: `${nameOfAction(offer.name)} (${offer.name})` }));
  const byId = new Map(listings.offers.map((offer) => [idOf(offer), offer]));
  const groups = [...new Set(listings.offers.map((offer) => offer.worker))].map((worker) => ({
    group: worker,
    items: options.filter((each) => byId.get(each.value)?.worker === worker),
  }));
  return (
    <Stack gap="sm">
      {!action && bound && <Alert color="blue">{t.editor.action.foreign(`${bound.worker} / ${bound.name}`)}</Alert>}
      {!action && !bound && element.type === 'bpmn:UserTask' && <Person element={element} />}
      <Select
        label={t.editor.action.choose}
        description={t.editor.action.chooseAbout}
        placeholder={t.editor.action.placeholder}
        searchable
        disabled={!session.mayEdit}
        nothingFoundMessage={listings.workers.length === 0 ? t.editor.action.noWorkers : t.editor.action.none}
        data={groups}
        value={action && byId.has(idOf(current)) ? idOf(current) : null}
        limit={60}
        maxDropdownHeight={320}
        filter={({ options: found, search }) =>
          found.map((group) => ('group' in group ? { ...group, items: group.items.filter((each) => fits(search, each.label, each.value)) } : group)).filter((group) => !('group' in group) || group.items.length > 0)
        }
        renderOption={({ option }) => <Option offer={byId.get(option.value)} />}
        onChange={(value) => {
          const offer = value ? byId.get(value) : undefined;
          if (offer) taken(offer);
        }}
      />
      {action && <Answer listings={listings} current={current} />}
      <Anchor component="button" type="button" size="sm" ta="left" onClick={() => setByHand(!byHand)} aria-expanded={byHand || !!action}>
        {t.editor.action.byHand}
      </Anchor>
      <Collapse in={byHand || (!!action && !byId.has(idOf(current)) && !listings.loading)}>
        <ByHand element={element} listings={listings} current={current} />
      </Collapse>
      {action && (
        <>
          <DraftInput
            label={t.editor.action.application}
            description={t.editor.action.applicationAbout}
            disabled={!session.mayEdit}
            value={textOf(action, 'application')}
            commit={(application) => setOwn(session, element, 'segue:Action', { application: application.trim() })}
          />
          <Group>
            <Button size="compact-sm" variant="default" disabled={!session.mayEdit} onClick={() => removeOwn(session, element, 'segue:Action')}>
              {t.editor.action.remove}
            </Button>
          </Group>
        </>
      )}
    </Stack>
  );
}

/** A user task without an action waits for a person, perhaps only in runs that a person began. */
function Person({ element }: { element: Shape }) {
  const [session] = useSession();
  return (
    <>
      <Text size="sm">{t.editor.action.person}</Text>
      <Checkbox
        label={t.editor.action.passes}
        description={t.editor.action.passesAbout}
        disabled={!session.mayEdit}
        checked={textOf(own(element, 'segue:Task'), 'passes') === 'automatic'}
        onChange={(event) => {
          if (event.currentTarget.checked) setOwn(session, element, 'segue:Task', { passes: 'automatic' });
          else removeOwn(session, element, 'segue:Task');
        }}
      />
    </>
  );
}

function Option({ offer }: { offer: Offer | undefined }) {
  if (!offer) return null;
  return (
    <Box>
      <Text size="sm">{nameOfAction(offer.name)}</Text>
      <Text size="xs" c="dimmed">
        {offer.name} · {t.editor.action.kinds[offer.kind]}
        {offer.application ? ` · ${offer.application}` : ''}
      </Text>
    </Box>
  );
}

/** Whether the worker that is named offers the action that is named. */
function Answer({ listings, current }: { listings: Listings; current: Offer }) {
  if (listings.loading) return null;
  const offered = listings.offers.some((each) => idOf(each) === idOf(current));
  const known = listings.workers.some((each) => each.name === current.worker);
  const text = offered
    ? t.editor.action.offered
    : !known
      ? t.editor.action.unknown(current.worker)
      : listings.away.has(current.worker)
        ? t.editor.action.away(current.worker)
        : t.editor.action.notOffered(current.worker);
  return (
    <Group gap={6} wrap="nowrap" align="flex-start">
      {offered ? <IconCheck size={16} aria-hidden /> : <IconAlertTriangle size={16} aria-hidden />}
      <Text size="sm">
        {current.worker} / {current.name}: {text}
      </Text>
    </Group>
  );
}

function ByHand({ element, listings, current }: { element: Shape; listings: Listings; current: Offer }) {
  const [session] = useSession();
  const set = (fields: Record<string, string>) =>
    setOwn(session, element, 'segue:Action', { kind: current.kind, worker: current.worker, name: current.name, ...fields });
  return (
    <Stack gap="xs">
      <Autocomplete
        label={t.editor.action.worker}
        disabled={!session.mayEdit}
        data={listings.workers.map((each) => each.name)}
        value={current.worker}
        onChange={(worker) => set({ worker })}
      />
      <DraftInput label={t.editor.action.name} disabled={!session.mayEdit} value={current.name} commit={(name) => set({ name: name.trim() })} />
      <SegmentedControl
        aria-label={t.editor.action.kind}
        disabled={!session.mayEdit}
        value={current.kind}
        onChange={(kind) => set({ kind })}
        data={(['connector', 'custom', 'batch'] as const).map((kind) => ({ value: kind, label: t.editor.action.kinds[kind] }))}
      />
    </Stack>
  );
}
