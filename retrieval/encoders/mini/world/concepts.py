"""The concepts of the world: everyday things that can be seen and heard, and their words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing and the words for it."""

    name: str
    things: tuple[tuple[str, str], ...]
    """What can be counted and coloured: singular and plural, synonyms after the first."""
    doing: tuple[str, ...]
    """What it does when it is heard: "barking"."""
    noises: tuple[str, ...]
    """Names of its sound, used alone: "bark"."""
    alone: tuple[str, ...] = ()
    """Words without number: "thunder"."""


def _concept(name: str, things: str, doing: str, noises: str, alone: str = "") -> Concept:
    pairs = (thing.strip() for thing in things.split(","))
    return Concept(
        name,
        tuple((p.split("/")[0], p.split("/")[1]) for p in pairs),
        _words(doing),
        _words(noises),
        _words(alone),
    )


def _words(listed: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in listed.split(",") if word.strip())


_ALL = (
    _concept("dog", "dog/dogs, puppy/puppies, hound/hounds", "barking, yapping, woofing",
             "bark, woof"),
    _concept("cat", "cat/cats, kitten/kittens, kitty/kitties", "meowing, mewing", "meow, miaow"),
    _concept("cow", "cow/cows, calf/calves, cattle/cattle", "mooing, lowing", "moo"),
    _concept("sheep", "sheep/sheep, lamb/lambs", "bleating, baaing", "bleat, baa"),
    _concept("horse", "horse/horses, pony/ponies, stallion/stallions", "galloping, trotting",
             "hoofbeats, gallop, clip-clop"),
    _concept("duck", "duck/ducks, duckling/ducklings, mallard/mallards", "quacking",
             "quack, quack quack"),
    _concept("rooster", "rooster/roosters, cock/cocks, cockerel/cockerels", "crowing",
             "cock-a-doodle-doo, crow of the cock"),
    _concept("bird", "bird/birds, songbird/songbirds, sparrow/sparrows",
             "chirping, twittering, tweeting", "birdsong, chirp, tweet"),
    _concept("owl", "owl/owls, barn owl/barn owls", "hooting", "hoot, tu-whit tu-whoo"),
    _concept("frog", "frog/frogs, toad/toads", "croaking", "croak, ribbit"),
    _concept("bee", "bee/bees, bumblebee/bumblebees, wasp/wasps", "buzzing, humming", "buzz"),
    _concept("snake", "snake/snakes, serpent/serpents, viper/vipers", "hissing", "hiss"),
    _concept("wolf", "wolf/wolves, coyote/coyotes", "howling at the moon, howling", "howl"),
    _concept("whale", "whale/whales, humpback/humpbacks", "singing under water, moaning",
             "whale song, call of the deep"),
    _concept("pig", "pig/pigs, piglet/piglets, hog/hogs", "grunting, snorting, oinking",
             "oink, grunt"),
    _concept("bell", "bell/bells, church bell/church bells", "ringing, tolling, pealing",
             "ding dong, toll"),
    _concept("drum", "drum/drums, snare drum/snare drums", "drumming, being beaten, rolling",
             "drumbeat, drum roll, percussion"),
    _concept("piano", "piano/pianos, upright piano/upright pianos", "playing chords, being played",
             "piano music, piano chords"),
    _concept("guitar", "guitar/guitars, acoustic guitar/acoustic guitars",
             "being strummed, being plucked", "guitar music, strumming"),
    _concept("violin", "violin/violins, fiddle/fiddles", "being bowed, playing a long note",
             "violin music, fiddling"),
    _concept("trumpet", "trumpet/trumpets, bugle/bugles, cornet/cornets",
             "blaring, sounding a fanfare", "fanfare, brass music"),
    _concept("flute", "flute/flutes, piccolo/piccolos, recorder/recorders",
             "playing a soft melody, being blown softly", "flute music, woodwind melody"),
    _concept("whistle", "whistle/whistles, referee's whistle/referee's whistles",
             "shrilling, being blown by the referee", "whistle blast, referee"),
    _concept("car", "car/cars, automobile/automobiles, taxi/taxis", "honking, hooting its horn",
             "car horn, honk, traffic"),
    _concept("train", "train/trains, locomotive/locomotives, steam engine/steam engines",
             "chuffing, puffing along", "choo choo, railway"),
    _concept("airplane", "airplane/airplanes, aeroplane/aeroplanes, jet/jets, plane/planes",
             "flying over, passing overhead", "jet engine, flyover"),
    _concept("helicopter", "helicopter/helicopters, chopper/choppers",
             "hovering, chopping the air", "rotor blades, whirring rotor"),
    _concept("ship", "ship/ships, boat/boats, steamer/steamers", "sounding its horn",
             "foghorn, ship's horn"),
    _concept("rocket", "rocket/rockets, spaceship/spaceships", "lifting off, taking off",
             "rocket launch, lift-off, blast-off"),
    _concept("bicycle", "bicycle/bicycles, bike/bikes, cycle/cycles",
             "ringing its little handlebar bell, dinging", "bicycle bell, bike bell"),
    _concept("rain", "rain cloud/rain clouds, shower/showers", "raining, pouring down, pattering",
             "pitter-patter, rainfall, drizzle", "rain, rainy weather"),
    _concept("thunder", "lightning bolt/lightning bolts, thunderbolt/thunderbolts",
             "thundering, rumbling", "thunderclap, rumble of thunder",
             "thunder, lightning, a thunderstorm"),
    _concept("sea", "wave/waves, breaker/breakers", "breaking on the beach, crashing on the shore",
             "surf, ocean waves", "sea, the ocean, seaside"),
    _concept("fire", "fire/fires, flame/flames, campfire/campfires, bonfire/bonfires",
             "crackling, burning", "crackle, crackling wood"),
    _concept("wind", "gust of wind/gusts of wind, breeze/breezes", "blowing, whistling round the "
             "house", "gale, whoosh", "wind, windy weather"),
    _concept("firework", "firework/fireworks, firecracker/firecrackers", "exploding, going off",
             "bang, big bang", "pyrotechnics"),
    _concept("clock", "clock/clocks, alarm clock/alarm clocks, watch/watches", "ticking",
             "tick tock, ticktock"),
    _concept("telephone", "telephone/telephones, phone/phones", "ringing for someone to answer",
             "ringtone, phone call, telephone ring"),
    _concept("door", "door/doors, front door/front doors", "being knocked at", "knock knock, "
             "knocking, a knock"),
    _concept("hammer", "hammer/hammers, mallet/mallets", "hammering, hitting a nail, pounding",
             "hammer blows, clang"),
    _concept("saw", "saw/saws, handsaw/handsaws", "sawing, cutting wood", "rasping, sawing noise"),
    _concept("kettle", "kettle/kettles, teakettle/teakettles, teapot/teapots",
             "boiling, steaming", "boiling water, steam"),
    _concept("camera", "camera/cameras, photo camera/photo cameras", "clicking, taking a shot",
             "shutter, shutter click"),
    _concept("typewriter", "typewriter/typewriters, typing machine/typing machines",
             "typing, clattering", "typing noise, keystrokes"),
    _concept("tap", "tap/taps, faucet/faucets, water tap/water taps", "dripping, leaking",
             "drip drip, dripping water, drops of water"),
    _concept("siren", "siren/sirens, emergency light/emergency lights, police light/police lights",
             "wailing", "wail of a siren, ambulance, police alarm"),
    _concept("robot", "robot/robots, android/androids, droid/droids", "bleeping, beeping",
             "bleep bloop, beeps"),
    _concept("heart", "heart/hearts, love heart/love hearts", "beating, throbbing",
             "heartbeat, lub-dub, pulse"),
)  # fmt: skip

CONCEPTS: dict[str, Concept] = {concept.name: concept for concept in _ALL}
"""Every concept by its name."""
