import { Anchor, Box, Button, Grid, Group, NavLink, Stack, Text, TextInput } from '@mantine/core';
import { useQueries, useQuery } from '@tanstack/react-query';
import { useEffect, useRef, type MouseEvent } from 'react';
import { pages } from 'virtual:docs';
import { Link, useLocation } from 'wouter';

import { useParameter } from '../lib/url';
import { t } from '../texts';
import { Page, Shown } from '../ui/parts';
import { showTour } from '../ui/Tour';

const FIRST = 'index';

export default function Help({ page = FIRST }: { page?: string }) {
  const [search, setSearch] = useParameter('q');
  return (
    <Page
      title={t.help.title}
      side={
        <Button variant="default" onClick={showTour}>
          {t.help.tour}
        </Button>
      }
    >
      <Grid>
        <Grid.Col span={{ base: 12, md: 3 }}>
          <Stack gap="xs">
            <TextInput
              type="search"
              aria-label={t.help.search}
              placeholder={t.help.search}
              value={search}
              onChange={(event) => setSearch(event.currentTarget.value, true)}
            />
            {search.trim().length > 1 ? <Hits text={search.trim()} /> : <Contents page={page} />}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 9 }}>
          <Article page={page} />
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function Contents({ page }: { page: string }) {
  const top = pages.filter((each) => !each.page.includes('/'));
  const inner = pages.filter((each) => each.page.includes('/'));
  const line = (each: (typeof pages)[number]) => (
    <NavLink
      key={each.page}
      component={Link}
      href={`/help/${each.page}`}
      label={each.title}
      active={each.page === page}
      aria-current={each.page === page ? 'page' : undefined}
      variant="filled"
    />
  );
  return (
    <nav aria-label={t.help.contents}>
      {top.map(line)}
      <NavLink label="Decisions" defaultOpened={page.startsWith('decisions/')}>
        {inner.map(line)}
      </NavLink>
    </nav>
  );
}

function useText(page: string) {
  const known = pages.find((each) => each.page === page);
  return { queryKey: ['doc', page], staleTime: Infinity, queryFn: async () => (known ? (await known.load()).default : '') };
}

function Article({ page }: { page: string }) {
  const text = useQuery(useText(page));
  const holder = useRef<HTMLDivElement>(null);
  const [, go] = useLocation();
  useEffect(() => {
    const wanted = window.location.hash.slice(1);
    if (text.data && wanted) document.getElementById(decodeURIComponent(wanted))?.scrollIntoView();
  }, [text.data]);
  const follow = (event: MouseEvent) => {
    const link = (event.target as HTMLElement).closest('a');
    const to = link?.getAttribute('href');
    if (to?.startsWith('/help/') && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      go(to);
      window.scrollTo(0, 0);
    }
  };
  if (!pages.some((each) => each.page === page)) return <Text>{t.lost.about}</Text>;
  return (
    <Shown of={text} rows={12}>
      {/* Made from our own documentation when the admin was built; nothing of it comes from people or the server. */}
      {(html) => <Box ref={holder} className="article" component="article" onClick={follow} dangerouslySetInnerHTML={{ __html: html }} />}
    </Shown>
  );
}

/** Pages with all words of the text; all pages are loaded then, which are small. */
function Hits({ text }: { text: string }) {
  const loaded = useQueries({ queries: pages.map((each) => useText(each.page)) });
  const words = text.toLowerCase().split(/\s+/);
  const found = pages.filter((_, index) => {
    const body = (loaded[index]?.data ?? '').replace(/<[^>]*>/g, ' ').toLowerCase();
    return words.every((word) => body.includes(word));
  });
  if (found.length === 0 && loaded.every((each) => each.data !== undefined)) return <Text size="sm">{t.help.nothing(text)}</Text>;
  return (
    <Group gap={6} style={{ flexDirection: 'column', alignItems: 'flex-start' }}>
      {found.map((each) => (
        <Anchor key={each.page} component={Link} href={`/help/${each.page}`} size="sm" underline="always">
          {each.title}
        </Anchor>
      ))}
    </Group>
  );
}
