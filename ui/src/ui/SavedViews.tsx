// Saved views of a list: its filters under a name.
import { ActionIcon, Button, Group, Menu, Modal, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconBookmark, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';

import { useParameters } from '../lib/url';
import { removeView, savedViews, saveView } from '../lib/views';
import { t } from '../texts';

export function SavedViews({ filters }: { filters: readonly string[] }) {
  const [parameters, change] = useParameters();
  const [views, setViews] = useState(() => savedViews());
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState('');
  const query = () => {
    const kept = new URLSearchParams();
    for (const filter of filters) if (parameters.get(filter)) kept.set(filter, parameters.get(filter)!);
    return kept.toString();
  };
  const show = (saved: string) => {
    const wanted = new URLSearchParams(saved);
    change(Object.fromEntries(filters.map((filter) => [filter, wanted.get(filter)])));
  };
  return (
    <>
      <Menu position="bottom-end" width={280}>
        <Menu.Target>
          <Button variant="default" leftSection={<IconBookmark size={16} />}>
            {t.explore.views}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {views.length === 0 && <Menu.Label>{t.explore.none}</Menu.Label>}
          {views.map((view) => (
            <Group key={view.name} wrap="nowrap" gap={0}>
              <Menu.Item onClick={() => show(view.query)} style={{ flex: 1, minWidth: 0 }}>
                <Text size="sm" truncate>
                  {view.name}
                </Text>
              </Menu.Item>
              <ActionIcon variant="subtle" color="gray" aria-label={t.explore.remove(view.name)} onClick={() => setViews(removeView(view.name))}>
                <IconTrash size={14} />
              </ActionIcon>
            </Group>
          ))}
          <Menu.Divider />
          <Menu.Item disabled={query() === ''} onClick={() => setNaming(true)}>
            {t.explore.save}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={naming} onClose={() => setNaming(false)} title={t.explore.save} closeButtonProps={{ 'aria-label': t.close }}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            setViews(saveView({ name: name.trim(), query: query() }));
            notifications.show({ message: t.explore.saved(name.trim()), color: 'teal' });
            setNaming(false);
            setName('');
          }}
        >
          <Stack>
            <TextInput label={t.explore.saveName} required maxLength={80} data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
            <Group justify="flex-end">
              <Button type="submit" disabled={name.trim() === ''}>
                {t.save}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
