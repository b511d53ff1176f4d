import { Alert, Button, Card, Drawer, Group, SimpleGrid, Text, Title } from '@mantine/core';

import { api, ask, type Schemas } from '../api/client';
import { useApplications, useInstalls } from '../api/outside';
import { useChange } from '../api/queries';
import { Install } from '../applications/Install';
import { useParameter } from '../lib/url';
import { t } from '../texts';
import { Act, Empty, Page, Shown, State } from '../ui/parts';

type Application = Schemas['ApplicationOut'];

export default function Applications() {
  const applications = useApplications();
  const [open, setOpen] = useParameter('install');
  const [worker, application, user] = open.split('|');
  return (
    <Page title={t.applications.title}>
      <Text size="sm">{t.applications.about}</Text>
      <Shown of={applications}>
        {(data) => (
          <>
            {Object.entries(data.troubles).map(([name, trouble]) => (
              <Alert key={name} color="orange" title={t.applications.trouble(name)}>
                {trouble}
              </Alert>
            ))}
            {data.items.length === 0 ? (
              <Empty title={t.applications.empty} about={t.applications.emptyAbout} />
            ) : (
              <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
                {data.items.map((each) => (
                  <ApplicationCard key={`${each.worker} ${each.key}`} of={each} open={(account) => setOpen([each.worker, each.key, account].join('|'))} />
                ))}
              </SimpleGrid>
            )}
          </>
        )}
      </Shown>
      <Drawer
        opened={open !== ''}
        onClose={() => setOpen(null)}
        position="right"
        size="lg"
        title={application ?? ''}
        closeButtonProps={{ 'aria-label': t.close }}
      >
        {worker && application && user && <Install key={open} at={{ worker, application, user }} close={() => setOpen(null)} />}
      </Drawer>
    </Page>
  );
}

function ApplicationCard({ of, open }: { of: Application; open: (user: string) => void }) {
  const installs = useInstalls();
  const mine = (installs.data ?? []).filter((each) => each.worker === of.worker && each.application === of.key);
  const install = useChange(() => ask(api.POST('/api/v1/installs', { body: { worker: of.worker, application: of.key } })), {
    fresh: ['installs'],
    done: (made) => open(made.user),
  });
  return (
    <Card withBorder component="section" aria-label={of.name}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Group gap="sm" wrap="nowrap">
          {/* Only pictures in the text itself: others would be requests to somebody else, which the policy refuses. */}
          {of.logo?.startsWith('data:image/') && <img src={of.logo} alt="" width={32} height={32} />}
          <div>
            <Title order={2} size="h5">
              {of.name}
            </Title>
            <Text size="xs" c="dimmed">
              {of.worker} · {of.authorization}
            </Text>
          </div>
        </Group>
        {mine.length > 0 && <State of="finished" text={t.applications.installed} />}
      </Group>
      <Text size="sm" my="xs" style={{ overflowWrap: 'anywhere' }}>
        {of.description}
      </Text>
      <Group gap="xs">
        {mine.map((each) => (
          <Button key={each.id} size="compact-sm" variant="default" onClick={() => open(each.user)}>
            {mine.length > 1 ? `${t.applications.open} ${each.user}` : t.applications.open}
          </Button>
        ))}
        {mine.length === 0 && of.installable && (
          <Act needs="edit" size="compact-sm" loading={install.isPending} onClick={() => install.mutate(undefined)}>
            {t.applications.install}
          </Act>
        )}
      </Group>
    </Card>
  );
}
