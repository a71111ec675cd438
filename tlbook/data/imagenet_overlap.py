"""Which of ImageNet's 1,000 classes are kinds of CIFAR-10's ten: what a network pretrained there has already seen.

The names and WordNet numbers are those of the 1,000 classes of ILSVRC 2012, as Keras Applications lists them (its file
`imagenet_class_index.json`). They come in the order of their numbers, which is WordNet's: kinds of one thing stand side
by side. Which class belongs to which of the ten is a judgement, made here by reading the names; it is not published
anywhere. CIFAR-10's own rule was kept: automobiles without trucks, only big trucks, pickups in neither.
"""

from dataclasses import dataclass

_BIRDS = """n01514668 cock, n01514859 hen, n01518878 ostrich, n01530575 brambling, n01531178 goldfinch,
n01532829 house_finch, n01534433 junco, n01537544 indigo_bunting, n01558993 robin, n01560419 bulbul, n01580077 jay,
n01582220 magpie, n01592084 chickadee, n01601694 water_ouzel, n01608432 kite, n01614925 bald_eagle, n01616318 vulture,
n01622779 great_grey_owl, n01795545 black_grouse, n01796340 ptarmigan, n01797886 ruffed_grouse,
n01798484 prairie_chicken, n01806143 peacock, n01806567 quail, n01807496 partridge, n01817953 African_grey,
n01818515 macaw, n01819313 sulphur-crested_cockatoo, n01820546 lorikeet, n01824575 coucal, n01828970 bee_eater,
n01829413 hornbill, n01833805 hummingbird, n01843065 jacamar, n01843383 toucan, n01847000 drake,
n01855032 red-breasted_merganser, n01855672 goose, n01860187 black_swan, n02002556 white_stork, n02002724 black_stork,
n02006656 spoonbill, n02007558 flamingo, n02009229 little_blue_heron, n02009912 American_egret, n02011460 bittern,
n02012849 crane, n02013706 limpkin, n02017213 European_gallinule, n02018207 American_coot, n02018795 bustard,
n02025239 ruddy_turnstone, n02027492 red-backed_sandpiper, n02028035 redshank, n02033041 dowitcher,
n02037110 oystercatcher, n02051845 pelican, n02056570 king_penguin, n02058221 albatross"""
_DOGS = """n02085620 Chihuahua, n02085782 Japanese_spaniel, n02085936 Maltese_dog, n02086079 Pekinese,
n02086240 Shih-Tzu, n02086646 Blenheim_spaniel, n02086910 papillon, n02087046 toy_terrier,
n02087394 Rhodesian_ridgeback, n02088094 Afghan_hound, n02088238 basset, n02088364 beagle, n02088466 bloodhound,
n02088632 bluetick, n02089078 black-and-tan_coonhound, n02089867 Walker_hound, n02089973 English_foxhound,
n02090379 redbone, n02090622 borzoi, n02090721 Irish_wolfhound, n02091032 Italian_greyhound, n02091134 whippet,
n02091244 Ibizan_hound, n02091467 Norwegian_elkhound, n02091635 otterhound, n02091831 Saluki,
n02092002 Scottish_deerhound, n02092339 Weimaraner, n02093256 Staffordshire_bullterrier,
n02093428 American_Staffordshire_terrier, n02093647 Bedlington_terrier, n02093754 Border_terrier,
n02093859 Kerry_blue_terrier, n02093991 Irish_terrier, n02094114 Norfolk_terrier, n02094258 Norwich_terrier,
n02094433 Yorkshire_terrier, n02095314 wire-haired_fox_terrier, n02095570 Lakeland_terrier, n02095889 Sealyham_terrier,
n02096051 Airedale, n02096177 cairn, n02096294 Australian_terrier, n02096437 Dandie_Dinmont, n02096585 Boston_bull,
n02097047 miniature_schnauzer, n02097130 giant_schnauzer, n02097209 standard_schnauzer, n02097298 Scotch_terrier,
n02097474 Tibetan_terrier, n02097658 silky_terrier, n02098105 soft-coated_wheaten_terrier,
n02098286 West_Highland_white_terrier, n02098413 Lhasa, n02099267 flat-coated_retriever,
n02099429 curly-coated_retriever, n02099601 golden_retriever, n02099712 Labrador_retriever,
n02099849 Chesapeake_Bay_retriever, n02100236 German_short-haired_pointer, n02100583 vizsla, n02100735 English_setter,
n02100877 Irish_setter, n02101006 Gordon_setter, n02101388 Brittany_spaniel, n02101556 clumber,
n02102040 English_springer, n02102177 Welsh_springer_spaniel, n02102318 cocker_spaniel, n02102480 Sussex_spaniel,
n02102973 Irish_water_spaniel, n02104029 kuvasz, n02104365 schipperke, n02105056 groenendael, n02105162 malinois,
n02105251 briard, n02105412 kelpie, n02105505 komondor, n02105641 Old_English_sheepdog, n02105855 Shetland_sheepdog,
n02106030 collie, n02106166 Border_collie, n02106382 Bouvier_des_Flandres, n02106550 Rottweiler,
n02106662 German_shepherd, n02107142 Doberman, n02107312 miniature_pinscher, n02107574 Greater_Swiss_Mountain_dog,
n02107683 Bernese_mountain_dog, n02107908 Appenzeller, n02108000 EntleBucher, n02108089 boxer, n02108422 bull_mastiff,
n02108551 Tibetan_mastiff, n02108915 French_bulldog, n02109047 Great_Dane, n02109525 Saint_Bernard,
n02109961 Eskimo_dog, n02110063 malamute, n02110185 Siberian_husky, n02110341 dalmatian, n02110627 affenpinscher,
n02110806 basenji, n02110958 pug, n02111129 Leonberg, n02111277 Newfoundland, n02111500 Great_Pyrenees,
n02111889 Samoyed, n02112018 Pomeranian, n02112137 chow, n02112350 keeshond, n02112706 Brabancon_griffon,
n02113023 Pembroke, n02113186 Cardigan, n02113624 toy_poodle, n02113712 miniature_poodle, n02113799 standard_poodle,
n02113978 Mexican_hairless"""
_SAME = {
    "airplane": "n02690373 airliner, n04552348 warplane",
    "automobile": """n02814533 beach_wagon, n02930766 cab, n03100240 convertible, n03594945 jeep, n03670208 limousine,
n03770679 minivan, n03777568 Model_T, n04037443 racer, n04285008 sports_car""",
    "bird": _BIRDS,
    "cat": "n02123045 tabby, n02123159 tiger_cat, n02123394 Persian_cat, n02123597 Siamese_cat, n02124075 Egyptian_cat",
    "deer": "",
    "dog": _DOGS,
    "frog": "n01641577 bullfrog, n01644373 tree_frog, n01644900 tailed_frog",
    "horse": "n02389026 sorrel",
    "ship": """n02687172 aircraft_carrier, n03095699 container_ship, n03344393 fireboat, n03662601 lifeboat,
n03673027 liner, n03947888 pirate, n04147183 schooner, n04273569 speedboat, n02981792 catamaran, n04483307 trimaran,
n04612504 yawl""",
    "truck": """n03345487 fire_engine, n03417042 garbage_truck, n03796401 moving_van, n04461696 tow_truck,
n04467665 trailer_truck""",
}
_KIN = {
    "airplane": "n02692877 airship, n04266014 space_shuttle, n04592741 wing",
    "automobile": "n02701002 ambulance, n03444034 go-kart, n03930630 pickup, n03977966 police_van",
    "bird": "",
    "cat": """n02125311 cougar, n02127052 lynx, n02128385 leopard, n02128757 snow_leopard, n02128925 jaguar,
n02129165 lion, n02129604 tiger, n02130308 cheetah""",
    "deer": "n02422106 hartebeest, n02422699 impala, n02423022 gazelle",
    "dog": """n02114367 timber_wolf, n02114548 white_wolf, n02114712 red_wolf, n02114855 coyote, n02115641 dingo,
n02115913 dhole, n02116738 African_hunting_dog, n02119022 red_fox, n02119789 kit_fox, n02120079 Arctic_fox,
n02120505 grey_fox""",
    "frog": "",
    "horse": "n02391049 zebra, n03538406 horse_cart",
    "ship": "n02951358 canoe, n03447447 gondola, n04347754 submarine, n04606251 wreck",
    "truck": "n03478589 half_track, n04252225 snowplow, n04465501 tractor",
}


@dataclass(frozen=True)
class SourceClass:
    """A class of ImageNet: `wordnet`, its number there ("n02690373"), and `name`, with underscores ("tiger_cat")."""

    wordnet: str
    name: str


def overlap(kin=False):
    """Return for each class of CIFAR-10 the ImageNet classes that are kinds of it: a dict of str to tuple.

    With `kin`, those that are close and not kinds of it: lynx for cat, gazelle for deer. The tuples hold `SourceClass`
    and may be empty. Taught in chapter 6.2.

    >>> [source.name for source in overlap()["horse"]], len(overlap()["dog"]), len(overlap()["deer"])
    (['sorrel'], 118, 0)
    """
    return {name: _parse(text) for name, text in (_KIN if kin else _SAME).items()}


def _parse(text):
    entries = [entry.split() for entry in text.split(",") if entry.strip()]
    return tuple(SourceClass(wordnet, name) for wordnet, name in entries)
