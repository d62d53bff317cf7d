#include "modes.hpp"

#include <algorithm>
#include <tuple>

double Mode::share() const
{
	return sensorWidth && seenWidth ? static_cast<double>(seenWidth) / sensorWidth : 1.0;
}

std::optional<size_t> chooseMode(const std::vector<Mode> &modes, const Wanted &wanted)
{
	// A picture that comes by a hundredth later than wanted is not missed.
	const uint64_t longest = static_cast<uint64_t>(wanted.interval) * 101 / 100;
	auto rank = [&](const Mode &mode) {
		const bool slow = mode.shortest > longest;
		const bool cropped = mode.share() < fullWidth;
		const bool coarse = mode.width < wanted.width || mode.height < wanted.height;
		const double pixels = static_cast<double>(mode.width) * mode.height;
		// Of those that are too slow the fastest, of those that crop the one that crops least, of those that are too coarse
		// the finest; else what is read out least. More bits a pixel last.
		return std::make_tuple(slow, slow ? mode.shortest : 0, cropped, cropped ? -mode.share() : 0.0, coarse,
				       coarse ? -pixels : pixels, -static_cast<int>(mode.bits));
	};
	auto best = std::min_element(modes.begin(), modes.end(),
				     [&](const Mode &a, const Mode &b) { return rank(a) < rank(b); });
	if (best == modes.end())
		return std::nullopt;
	return static_cast<size_t>(best - modes.begin());
}

Crop fitted(const Crop &all, unsigned width, unsigned height)
{
	Crop part = all;
	if (!width || !height || !all.width || !all.height)
		return part;
	const uint64_t wide = static_cast<uint64_t>(all.height) * width / height;
	if (wide < all.width)
		part.width = static_cast<unsigned>(wide);
	else
		part.height = static_cast<unsigned>(static_cast<uint64_t>(all.width) * height / width);
	part.x += static_cast<int>((all.width - part.width) / 2);
	part.y += static_cast<int>((all.height - part.height) / 2);
	return part;
}
